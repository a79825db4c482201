"""Entra application secrets (client secrets): added and removed on one application registration over Microsoft Graph.

Several secrets may live at once, each with a name, so nothing is interrupted; there is no switching off.  Access tokens that a secret
bought live on for about an hour.  Graph shows the first three characters of a secret: they say which one a stored value is only while
that is accepted and no other begins like it.  The probe buys an access token: dead is AADSTS7000215 (no such secret) or 7000222
(expired); a policy, an unknown application or an unknown tenant is not.
Source: the vendor's Graph reference (application: addPassword, removePassword) and its list of AADSTS codes.  How long a removed
secret is still accepted is not documented, nor how long a new one is still refused; a minute and two are assumed.  Settings: `tenant_id`, `client_id`, `scope`, `base_url`.  The
administering credential is `CLIENT_ID:SECRET` of another application that may write this one (Application.ReadWrite.OwnedBy).
"""

from __future__ import annotations

from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.oauth import by_client_credentials, entra_admin
from keysweep.rotation.providers import Account, Facts, Kind, Liveness, Minted, Provider, ProviderKey, Verdict
from keysweep.rotation.vendor import bearer, call, end, known, moment, parsed, read, setting, unreadable, verdict

_BASE = "https://graph.microsoft.com"
_SCOPE = f"{_BASE}/.default"
_REFUSED = frozenset({7000215, 7000222})
"""No such secret; expired."""


def probe(account: Account, secret: Secret) -> Verdict:
    """Buy an access token: 200 is alive, AADSTS7000215 and 7000222 are dead."""
    scope = account.settings.get("scope", _SCOPE)
    return verdict(
        lambda: by_client_credentials(account, setting(account, "client_id"), secret, scope=scope),
        alive=frozenset({200}),
        dead=_dead,
    )


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List the secrets of the application, expired ones too."""
    answer = _call(account, "GET", "?$select=passwordCredentials")
    match expect(answer, what="listing secrets").json():
        case {"passwordCredentials": [*keys]}:
            return tuple(_listed(key) for key in keys)
        case _:
            raise unreadable(what="the list of secrets")


def identify(account: Account, secret: Secret) -> str | None:
    """Return the one secret that begins like an accepted value: an accepted one is on the list for certain."""
    text = secret.reveal_text()
    fits = [key.key_id for key in find(account) if key.hint and text.startswith(key.hint)]
    alone = len(fits) == 1 and probe(account, secret).liveness is Liveness.ALIVE
    return fits[0] if alone else None


def mint(account: Account, tag: str) -> Secret:
    """Add a secret; the answer holds its text once."""
    answer = _call(account, "POST", "/addPassword", {"passwordCredential": {"displayName": tag}})
    return Secret(expect(answer, what="adding a secret").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`."""
    match read(raw):
        case {"keyId": str(key_id), "secretText": str(text), **rest} if text:
            return Minted(secret=Secret(text), key_id=key_id, expires_at=end(rest.get("endDateTime")))
        case _:
            raise unreadable(what="the answer to adding a secret")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Remove the secret; Graph refuses to remove one that is gone, and the list then says so."""
    known(key_id)
    answer = _call(account, "POST", "/removePassword", {"keyId": key_id})
    if answer.status == 400 and all(key.key_id != key_id for key in find(account)):
        return
    expect(answer, what="removing the secret", accepted=frozenset({200, 204}))


def _call(account: Account, method: str, path: str, body: object = None) -> Response:
    where = f"/v1.0/applications(appId='{setting(account, 'client_id')}')"
    token = entra_admin(account, scope=_SCOPE)
    return call(account, method, where + path, base=_BASE, headers=bearer(token), body=body)


def _listed(key: object) -> ProviderKey:
    match key:
        case {"keyId": str(key_id), **rest}:
            name, hint = str(rest.get("displayName") or ""), str(rest.get("hint") or "")
            return ProviderKey(
                key_id=key_id, name=name, active=True, hint=hint, created_at=moment(rest.get("startDateTime"))
            )
        case _:
            raise unreadable(what="a listed secret")


def _dead(answer: Response) -> str | None:
    match answer.status, parsed(answer):
        case 400 | 401, {"error": "invalid_client", "error_codes": [*codes]} if found := _REFUSED.intersection(codes):
            return f"{answer.status} AADSTS{min(found)}"
        case _:
            return None


PROVIDER = Provider(
    title="Microsoft Entra (application secrets)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(minutes=1),
        needs_admin=True,
        tag_limit=120,
        accepted_within=timedelta(minutes=2),
        proven_on="a stateful simulator that signs in MSAL, the vendor's own library; its Graph calls are after the reference alone",
    ),
    probe=probe,
    find=find,
    identify=identify,
    mint=mint,
    read_minted=read_minted,
    revoke=revoke,
)
