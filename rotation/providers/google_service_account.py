"""Google service-account keys: minted on one service account as a JSON key file, which is the stored value.

Ten keys an account, switched-off ones too.  A key can be switched off and on again; deleting is final, and neither ends an access
token that the key had bought before: those live for up to an hour.  A key that Google itself switched off because it was published
(`disableReason` EXPOSED) is one that is off, and dead to the probe.  Keys have no names: one whose answer was lost is told by the list
from before, and nobody has its private half.  A new one
may be refused for a minute or more; ninety seconds are waited for.  The probe buys an access token; `invalid_grant` alone is no death, a wrong clock gives it as well.
Source: the vendor's IAM reference (projects.serviceAccounts.keys) and google-auth.  Settings: `project_id`, `service_account` (its
e-mail address), `base_url`.  The administering key is a key file of another service account.
"""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.oauth import by_assertion, google_admin, key_file
from keysweep.rotation.providers import (
    Account,
    Facts,
    Kind,
    Minted,
    Provider,
    ProviderError,
    ProviderKey,
    Trouble,
    Verdict,
)
from keysweep.rotation.vendor import bearer, call, end, known, moment, parsed, read, setting, unreadable, verdict

_BASE = "https://iam.googleapis.com"
_DEAD = ("Invalid JWT Signature", "Invalid grant: account not found")
"""How Google refuses a key that is gone or switched off, or whose account is gone."""


def probe(account: Account, secret: Secret) -> Verdict:
    """Buy an access token: 200 is alive, 400 `invalid_grant` for the signature or the account is dead."""
    return verdict(lambda: by_assertion(account, secret), alive=frozenset({200}), dead=_dead)


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List the keys that people and programs made; not those that Google rotates for itself."""
    path = f"{_keys(account)}?keyTypes=USER_MANAGED"
    match expect(_call(account, "GET", path), what="listing keys").json():
        case {"keys": [*keys]}:
            return tuple(_listed(key) for key in keys)
        case {**rest} if "keys" not in rest:
            return ()
        case _:
            raise unreadable(what="the list of keys")


def identify(account: Account, secret: Secret) -> str | None:  # noqa: ARG001  the file says it
    """Read the id in the key file."""
    return key_file(secret).key_id


def mint(account: Account, tag: str) -> Secret:  # noqa: ARG001  keys have no names
    """Create a key; the answer holds the key file once."""
    body = {"privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE", "keyAlgorithm": "KEY_ALG_RSA_2048"}
    answer = _call(account, "POST", _keys(account), body)
    match answer.status, parsed(answer):
        case 400, {"error": {"status": "FAILED_PRECONDITION"}}:
            msg = "the service account has its ten keys, or is switched off"
            raise ProviderError(msg, trouble=Trouble.LIMIT)
        case _:
            return Secret(expect(answer, what="minting a key").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`."""
    match read(raw):
        case {"name": str(name), "privateKeyData": str(encoded), **rest}:
            try:
                secret = Secret(base64.b64decode(encoded, validate=True))
            except binascii.Error:
                raise unreadable(what="the answer to minting") from None
            return Minted(secret=secret, key_id=_last(name), expires_at=end(rest.get("validBeforeTime")))
        case _:
            raise unreadable(what="the answer to minting")


def activate(account: Account, key_id: str) -> None:
    """Switch a key on."""
    expect(_call(account, "POST", f"{_keys(account)}/{known(key_id)}:enable", {}), what="switching a key on")


def deactivate(account: Account, key_id: str) -> None:
    """Switch a key off; it can be switched on again."""
    expect(_call(account, "POST", f"{_keys(account)}/{known(key_id)}:disable", {}), what="switching a key off")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the key; one that is gone is success."""
    answer = _call(account, "DELETE", f"{_keys(account)}/{known(key_id)}")
    expect(answer, what="deleting the key", accepted=frozenset({200, 204, 404}))


def _call(account: Account, method: str, path: str, body: object = None) -> Response:
    return call(account, method, path, base=_BASE, headers=bearer(google_admin(account)), body=body)


def _keys(account: Account) -> str:
    return f"/v1/projects/{setting(account, 'project_id')}/serviceAccounts/{setting(account, 'service_account')}/keys"


def _listed(key: object) -> ProviderKey:
    match key:
        case {"name": str(name), **rest}:
            active = rest.get("disabled") is not True
            made = moment(rest.get("validAfterTime"))
            return ProviderKey(key_id=_last(name), name="", active=active, created_at=made)
        case _:
            raise unreadable(what="a listed key")


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _dead(answer: Response) -> str | None:
    match answer.status, parsed(answer):
        case 400, {"error": "invalid_grant", "error_description": str(why)} if why.startswith(_DEAD):
            return "400 invalid_grant"
        case _:
            return None


PROVIDER = Provider(
    title="Google (service-account keys)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=10,
        disable_reversible=True,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=5),
        needs_admin=True,
        tag_limit=0,
        accepted_within=timedelta(seconds=90),
        proven_on="a stateful simulator that signs in google-auth, the vendor's own library; its IAM calls are after the reference alone",
    ),
    probe=probe,
    find=find,
    identify=identify,
    mint=mint,
    read_minted=read_minted,
    activate=activate,
    deactivate=deactivate,
    revoke=revoke,
)
