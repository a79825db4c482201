"""Pinecone API keys of a project: made with the roles of the one that goes, by a service account that asks for an access token first.

A key that is made without roles may edit the whole project, so the old one's are always sent.  The administering credential is stored
as `CLIENT_ID:SECRET`; a token is asked for anew by every call and kept nowhere.
Source: the vendor's SDK and API reference (admin).  Settings: `base_url`, `project_id`.
"""

from __future__ import annotations

from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.oauth import pinecone_admin
from keysweep.rotation.providers import Account, Facts, Kind, Minted, Provider, ProviderKey, Verdict
from keysweep.rotation.vendor import bearer, call, known, parsed, read, setting, unreadable, verdict

_BASE = "https://api.pinecone.io"
_VERSION = {"X-Pinecone-Api-Version": "2026-07"}


def probe(account: Account, secret: Secret) -> Verdict:
    """List indexes: 200 and the vendor's own 403 are alive, its 401 is dead."""
    return verdict(
        lambda: call(account, "GET", "/indexes", base=_BASE, headers={**_api_key(secret), **_VERSION}),
        alive=frozenset({200, 403}),
        dead=_dead,
        sure=_own,
    )


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every key of the project; the vendor gives them in one piece."""
    answer = _call(account, "GET", f"/admin/projects/{setting(account, 'project_id')}/api-keys")
    match expect(answer, what="listing keys").json():
        case {"data": [*keys]}:
            return tuple(_listed(key) for key in keys)
        case _:
            raise unreadable(what="the list of keys")


def mint(account: Account, tag: str) -> Secret:
    """Create a key with the roles of the one that goes; the answer holds the value once."""
    body = {"name": tag, "roles": _roles(account)}
    answer = _call(account, "POST", f"/admin/projects/{setting(account, 'project_id')}/api-keys", body)
    return Secret(expect(answer, what="minting a key").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`."""
    match read(raw):
        case {"value": str(value), "key": {"id": str(key_id)}} if value and key_id:
            return Minted(secret=Secret(value), key_id=key_id)
        case _:
            raise unreadable(what="the answer to minting")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the key; one that is gone is success."""
    answer = _call(account, "DELETE", f"/admin/api-keys/{known(key_id)}")
    expect(answer, what="deleting the key", accepted=frozenset({200, 202, 204, 404}))


def _roles(account: Account) -> list[str]:
    """Return the roles of the key that goes.

    Raises:
        ProviderError: they are not known: a key that may do more than the old one is not made on a guess.
    """
    answer = _call(account, "GET", f"/admin/api-keys/{known(account.key_id)}")
    match expect(answer, what="reading the key that goes").json():
        case {"roles": [*roles]} if roles:
            return [str(role) for role in roles]
        case _:
            raise unreadable(what="the key that goes")


def _call(account: Account, method: str, path: str, body: object = None) -> Response:
    headers = {**bearer(pinecone_admin(account)), **_VERSION}
    return call(account, method, path, base=_BASE, headers=headers, body=body)


def _api_key(secret: Secret) -> dict[str, str]:
    return {"Api-Key": secret.reveal_text()}


def _listed(key: object) -> ProviderKey:
    match key:
        case {"id": str(key_id), **rest}:
            return ProviderKey(key_id=key_id, name=str(rest.get("name") or ""), active=True)
        case _:
            raise unreadable(what="a listed key")


def _own(answer: Response) -> bool:
    """Whether a yes is the vendor's: the list, or its own words for what the key may not do."""
    match answer.status, parsed(answer):
        case (200, {"indexes": [*_]}) | (403, {"error": {"code": "FORBIDDEN"}}):
            return True
        case _:
            return False


def _dead(answer: Response) -> str | None:
    match answer.status, parsed(answer):
        case 401, {"error": {"code": "UNAUTHENTICATED"}}:
            return "401 UNAUTHENTICATED"
        case 401, None if answer.body.strip() == b"Invalid API Key":
            return "401 Invalid API Key"
        case _:
            return None


PROVIDER = Provider(
    title="Pinecone (project API keys)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=1),
        needs_admin=True,
        tag_limit=80,
        proven_on="a stateful simulator that the vendor's own SDK accepts",
    ),
    probe=probe,
    find=find,
    mint=mint,
    read_minted=read_minted,
    revoke=revoke,
)
