"""Tokens of an npm registry: made with the user's name and password, shown once, told by the key that the registry gives them.

Tokens have no names: an orphan of a lost answer is told by its key, which was not listed before.  A registry that asks a person for
a one-time password refuses to make one: there, as on npmjs.com with two factors, a token is made by hand and stored as it is.
A registry lets nobody in as well: an answer without a user's name says nothing of the token.
Source: the registry's API as npm's own client calls it.  Settings: `base_url`, `readonly` (`yes` for tokens that cannot publish).
The administering value is `USER:PASSWORD`.
"""

from __future__ import annotations

from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, Facts, Kind, Liveness, Minted, Provider, ProviderKey, Verdict
from keysweep.rotation.vendor import admin, basic, bearer, call, known, pages, pair, parsed, read, unreadable, verdict

_BASE = "https://registry.npmjs.org"
_TOKENS = "/-/npm/v1/tokens"
_REFUSED = frozenset({"unauthorized access", "unauthorized"})
"""What a registry says of a token that it does not know any more, in lower case."""


def probe(account: Account, secret: Secret) -> Verdict:
    """Ask whose token it is: a name is alive, the registry's own 401 or 403 is dead."""
    named: list[bool] = []

    def ask() -> Response:
        answer = call(account, "GET", "/-/whoami", base=_BASE, headers=bearer(secret))
        match parsed(answer):
            case {"username": str(name)} if name:
                named.append(True)
        return answer

    found = verdict(ask, alive=frozenset({200}), dead=_dead)
    if found.liveness is Liveness.ALIVE and not named:
        return Verdict(liveness=Liveness.UNKNOWN, code="anonymous")
    return found


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every token of the user."""

    def page(path: str) -> tuple[list[object], str]:
        answer = call(account, "GET", path or _TOKENS, base=_BASE, headers=basic(admin(account)))
        match expect(answer, what="listing tokens").json():
            case {"objects": [*tokens], "urls": {"next": str(following)}} if following.startswith("/"):
                return tokens, following
            case {"objects": [*tokens]}:
                return tokens, ""
            case _:
                raise unreadable(what="the list of tokens")

    return tuple(_listed(token) for token in pages(page, what="the list of tokens"))


def mint(account: Account, tag: str) -> Secret:  # noqa: ARG001  tokens have no names
    """Make a token; the answer holds it once."""
    _, password = pair(admin(account), what="pair of USER:PASSWORD")
    wanted = {
        "password": password.reveal_text(),
        "readonly": account.settings.get("readonly") == "yes",
        "cidr_whitelist": [],
    }
    answer = call(account, "POST", _TOKENS, base=_BASE, headers=basic(admin(account)), body=wanted)
    return Secret(expect(answer, what="making a token").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`."""
    match read(raw):
        case {"token": str(value), "key": str(key_id)} if value and key_id:
            return Minted(secret=Secret(value), key_id=key_id)
        case _:
            raise unreadable(what="the answer to making a token")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by its key, never by value
    """Delete the token; one that is gone is success."""
    path = f"{_TOKENS}/token/{known(key_id)}"
    answer = call(account, "DELETE", path, base=_BASE, headers=basic(admin(account)))
    expect(answer, what="deleting the token", accepted=frozenset({200, 204, 404}))


def _listed(token: object) -> ProviderKey:
    match token:
        case {"key": str(key_id), **rest}:
            return ProviderKey(key_id=key_id, name="", active=True, hint=str(rest.get("token") or ""))
        case _:
            raise unreadable(what="a listed token")


def _dead(answer: Response) -> str | None:
    if answer.status not in {401, 403}:
        return None
    match parsed(answer):
        case {"error": str(said)} | {"message": str(said)} if said.lower() in _REFUSED:
            return f"{answer.status} {said.lower()}"
        case _:
            return None


PROVIDER = Provider(
    title="npm (tokens of a registry)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=1),
        needs_admin=True,
        tag_limit=0,
        proven_on="a real registry (Verdaccio 6.8) where it is installed; npmjs.com was not asked",
    ),
    probe=probe,
    find=find,
    mint=mint,
    read_minted=read_minted,
    revoke=revoke,
)
