"""SendGrid API keys: made with the scopes of the one that goes, at most 100 in an account.

A key that is made without scopes may do everything, so none is made before the old one's are known: read at the vendor, else from the
setting `scopes` (names with commas between).  A full account makes room for a leaked key's successor by deleting the leaked one, whose
scopes nobody can read any more: only the setting helps then.  The id of a key stands in its value, between the dots.
Source: the vendor's API reference and SDK (v3/api_keys).  Settings: `base_url`, `scopes`.
"""

from __future__ import annotations

from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.guided import probe_by_question
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, Facts, Kind, Minted, Provider, ProviderError, ProviderKey, Trouble
from keysweep.rotation.vendor import admin, bearer, call, known, parsed, read, unreadable

_BASE = "https://api.sendgrid.com"
_KEYS = "/v3/api_keys"
_MOST = 100


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every key of the account."""
    match expect(_call(account, "GET", f"{_KEYS}?limit={_MOST * 10}"), what="listing keys").json():
        case {"result": [*keys]}:
            return tuple(_listed(key) for key in keys)
        case _:
            raise unreadable(what="the list of keys")


def identify(account: Account, secret: Secret) -> str | None:
    """Return the id that stands in the value, if the vendor has such a key."""
    parts = secret.reveal_text().split(".")
    if len(parts) != 3 or parts[0] != "SG":
        return None
    answer = _call(account, "GET", f"{_KEYS}/{known(parts[1])}")
    found = expect(answer, what="looking for the key", accepted=frozenset({200, 404}))
    return parts[1] if found.status == 200 else None


def mint(account: Account, tag: str) -> Secret:
    """Create a key that may do as much as the one that goes; the answer holds the value once."""
    body = {"name": tag, "scopes": _scopes(account)}
    return Secret(expect(_call(account, "POST", _KEYS, body), what="minting a key").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`."""
    match read(raw):
        case {"api_key": str(value), "api_key_id": str(key_id)} if value and key_id:
            return Minted(secret=Secret(value), key_id=key_id)
        case _:
            raise unreadable(what="the answer to minting")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the key; one that is gone is success."""
    answer = _call(account, "DELETE", f"{_KEYS}/{known(key_id)}")
    expect(answer, what="deleting the key", accepted=frozenset({200, 204, 404}))


def _scopes(account: Account) -> list[str]:
    """Return what the new key may do.

    Raises:
        ProviderError: that is not known: a key that may do more than the old one is not made on a guess.
    """
    if account.key_id is not None:
        answer = _call(account, "GET", f"{_KEYS}/{known(account.key_id)}")
        match parsed(expect(answer, what="reading the key that goes", accepted=frozenset({200, 404}))):
            case {"scopes": [*scopes]} | {"result": [{"scopes": [*scopes]}]} if scopes:
                return [str(scope) for scope in scopes]
            case _ if answer.status == 200:
                raise unreadable(what="the key that goes")
            case _:
                pass
    stated = [name.strip() for name in account.settings.get("scopes", "").split(",") if name.strip()]
    if not stated:
        msg = (
            f"the scopes of the key that goes are not known; state them in the setting scopes of {account.credential!r}"
        )
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return stated


def _call(account: Account, method: str, path: str, body: object = None) -> Response:
    return call(account, method, path, base=_BASE, headers=bearer(admin(account)), body=body)


def _listed(key: object) -> ProviderKey:
    match key:
        case {"api_key_id": str(key_id), **rest}:
            return ProviderKey(key_id=key_id, name=str(rest.get("name") or ""), active=True)
        case _:
            raise unreadable(what="a listed key")


PROVIDER = Provider(
    title="SendGrid (API keys)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=_MOST,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=1),
        needs_admin=True,
        tag_limit=100,
        proven_on="a stateful simulator that the vendor's own SDK accepts",
    ),
    probe=probe_by_question("sendgrid"),
    find=find,
    identify=identify,
    mint=mint,
    read_minted=read_minted,
    revoke=revoke,
)
