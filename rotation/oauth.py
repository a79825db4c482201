"""Access tokens of identities that administer keys: by a signed assertion at Google, by client credentials at Entra and Pinecone.

A token is asked for anew by every call and kept nowhere.  Where an adapter's setting `base_url` names another host, that host is
asked for the token as well; an address that stands in a key file is never called.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, ProviderError, Trouble
from keysweep.rotation.vendor import admin, call, pair, setting, unreadable

_GOOGLE = "https://oauth2.googleapis.com"
_AUDIENCE = f"{_GOOGLE}/token"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_ENTRA = "https://login.microsoftonline.com"
_PINECONE = "https://login.pinecone.io"
_PINECONE_AUDIENCE = "https://api.pinecone.io/"
_LIFE_S = 3600
_LATE_S = 30
"""How far our clock may be ahead of Google's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A service-account key of Google, as its JSON file holds it."""

    key_id: str
    email: str
    private_key: Secret
    """PEM."""


def key_file(stored: Secret) -> KeyFile:
    """Read a stored key file.

    Raises:
        ProviderError: it is none.
    """
    try:
        found: object = json.loads(stored.reveal())
    except (ValueError, RecursionError):
        found = None
    match found:
        case {"private_key_id": str(key_id), "client_email": str(email), "private_key": str(private_key)}:
            return KeyFile(key_id=key_id, email=email, private_key=Secret(private_key))
        case _:
            msg = "the stored value is no service-account key file (JSON)"
            raise ProviderError(msg, trouble=Trouble.REJECTED)


def by_assertion(account: Account, stored: Secret) -> Response:
    """Exchange a key file for an access token and return whatever was answered.

    Raises:
        ProviderError: the value is no key file, or there was no answer.
    """
    form = {"grant_type": _GRANT, "assertion": _assertion(key_file(stored))}
    return call(account, "POST", "/token", base=_GOOGLE, headers={}, form=form)


def by_client_credentials(account: Account, client: str, secret: Secret, *, scope: str) -> Response:
    """Exchange an application's secret for an access token and return whatever was answered.

    Raises:
        ProviderError: a setting is missing, or there was no answer.
    """
    form = {
        "grant_type": "client_credentials",
        "client_id": client,
        "client_secret": secret.reveal().decode(errors="replace"),
        "scope": scope,
    }
    path = f"/{setting(account, 'tenant_id')}/oauth2/v2.0/token"
    return call(account, "POST", path, base=_ENTRA, headers={}, form=form)


def google_admin(account: Account) -> Secret:
    """Return an access token of the administering service account.

    Raises:
        ProviderError: none was given.
    """
    return _token(by_assertion(account, admin(account)))


def entra_admin(account: Account, *, scope: str) -> Secret:
    """Return an access token of the administering application.

    Raises:
        ProviderError: none was given.
    """
    client, secret = pair(admin(account), what="CLIENT_ID:SECRET of an application")
    return _token(by_client_credentials(account, client, secret, scope=scope))


def pinecone_admin(account: Account) -> Secret:
    """Return an access token of the administering service account.

    Raises:
        ProviderError: none was given.
    """
    client, secret = pair(admin(account), what="CLIENT_ID:SECRET of a service account")
    body = {
        "grant_type": "client_credentials",
        "client_id": client,
        "client_secret": secret.reveal().decode(errors="replace"),
        "audience": _PINECONE_AUDIENCE,
    }
    return _token(call(account, "POST", "/oauth/token", base=_PINECONE, headers={}, body=body))


def _token(answer: Response) -> Secret:
    if answer.status == 400:
        msg = "the administering credential was refused a token"
        raise ProviderError(msg, trouble=Trouble.REFUSED)
    match expect(answer, what="asking for an access token").json():
        case {"access_token": str(token)} if token:
            return Secret(token)
        case _:
            raise unreadable(what="the answer with the access token")


def _assertion(key: KeyFile) -> str:
    """Return a signed statement that we are the service account, good for one token."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        signer = load_pem_private_key(key.private_key.reveal(), password=None)
    except (ValueError, TypeError):
        signer = None
    if not isinstance(signer, RSAPrivateKey):
        msg = "the key file holds no RSA private key"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    now = int(time.time()) - _LATE_S
    claims = {"iss": key.email, "scope": GOOGLE_SCOPE, "aud": _AUDIENCE, "iat": now, "exp": now + _LIFE_S}
    head = {"alg": "RS256", "typ": "JWT", "kid": key.key_id}
    signed = f"{_segment(head)}.{_segment(claims)}"
    return f"{signed}.{_encoded(signer.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def _segment(content: object) -> str:
    return _encoded(json.dumps(content).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
