"""One made-up vendor for each class of providers, so that the engine is tested on all of them alike.

The adapters call the vendors over HTTP, and promise what the seam asks for and nothing more.  `visible` lets the product's own
catalog find them; the vendors are served beside the simulators of the real ones.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from keysweep.foundation.secret import Secret
from keysweep.rotation import providers
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, Facts, Kind, Minted, Provider, ProviderKey, Runbook, Verdict
from keysweep.rotation.vendor import admin, bearer, call, known, parsed, read, unreadable, verdict
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

KINDS: Mapping[str, Kind] = {
    "fake_mint": Kind.MINT,
    "fake_slots": Kind.MINT,
    "fake_readable": Kind.MINT_READABLE,
    "fake_roll": Kind.ROLL,
    "fake_set": Kind.SET_VALUE,
    "fake_standby": Kind.DEACTIVATE_ONLY,
    "fake_manual": Kind.MANUAL,
    "fake_self": Kind.MINT,
}
"""The vendors and their classes; `fake_slots` has two places for keys and no names, a key of `fake_self` can end itself."""
_FOLDER = Path(__file__).parent / "providers"
_SLOTS = 2
_SHOWN: dict[str, str] = {}
"""What the vendor that shows values again keeps; in the process that plays it."""


def visible() -> None:
    """Let this process find the adapters."""
    if str(_FOLDER) not in providers.__path__:
        providers.__path__.append(str(_FOLDER))


@contextmanager
def found() -> Iterator[None]:
    """Let this process find the adapters for the length of a block."""
    visible()
    try:
        yield
    finally:
        providers.__path__.remove(str(_FOLDER))


def provider(name: str) -> Provider:
    """Return the adapter of one of the vendors."""
    kind = KINDS[name]
    mints = kind in {Kind.MINT, Kind.MINT_READABLE}
    switches = kind is Kind.DEACTIVATE_ONLY
    return Provider(
        title=name,
        facts=Facts(
            kind=kind,
            max_live_keys=_SLOTS if name == "fake_slots" else None,
            disable_reversible=switches,
            old_dies_on_set=kind in {Kind.ROLL, Kind.SET_VALUE},
            revocation_window=timedelta(0),
            needs_admin=kind is not Kind.MANUAL,
            tag_limit=0 if name == "fake_slots" else 100,
            proven_on="nothing: it is a fake",
        ),
        probe=_probe,
        find=_find if mints else None,
        mint=_mint if mints else None,
        read_minted=_read_minted if mints or kind is Kind.ROLL else None,
        read_back=_read_back if kind is Kind.MINT_READABLE else None,
        roll=_roll if kind is Kind.ROLL else None,
        observe=_observe if kind is Kind.ROLL else None,
        generate=_generate if kind is Kind.SET_VALUE else None,
        set_value=_set_value if kind is Kind.SET_VALUE else None,
        activate=_activate if switches else None,
        deactivate=_deactivate if switches else None,
        revoke=_revoke if mints or switches else None,
        end_self=_end_self if name == "fake_self" else None,
        runbook=_RUNBOOK if kind is Kind.MANUAL else None,
    )


def vendors() -> tuple[Vendor, ...]:
    """Return the vendors for the simulators' server."""
    return tuple(Vendor(name=name, answer=_answer, new_value=_new_value) for name in KINDS)


_RUNBOOK = Runbook(console="https://vendor.invalid/keys", create="press Create", end="press Delete")


def _probe(account: Account, secret: Secret) -> Verdict:
    return verdict(
        lambda: _call(account, "GET", "/probe", secret),
        alive=frozenset({200}),
        dead=lambda answer: "401 unknown_key" if parsed(answer) == {"error": "unknown_key"} else None,
    )


def _find(account: Account) -> tuple[ProviderKey, ...]:
    match expect(_call(account, "GET", "/keys", admin(account)), what="listing").json():
        case {"keys": [*keys]}:
            return tuple(ProviderKey(key_id=key["id"], name=key["name"], active=True) for key in keys)
        case _:
            raise unreadable(what="the list")


def _mint(account: Account, tag: str) -> Secret:
    return Secret(expect(_call(account, "POST", "/keys", admin(account), {"name": tag}), what="minting").body)


def _read_minted(raw: Secret) -> Minted:
    match read(raw):
        case {"id": str(key_id), "value": str(value)}:
            return Minted(secret=Secret(value), key_id=key_id)
        case _:
            raise unreadable(what="the new key")


def _read_back(account: Account, key_id: str) -> Secret:
    return Secret(expect(_call(account, "GET", f"/keys/{key_id}/value", admin(account)), what="reading back").body)


def _roll(account: Account, key_id: str, current: Secret) -> Secret:
    return Secret(expect(_call(account, "POST", f"/keys/{key_id}/roll", admin(account)), what="rolling").body)


def _observe(account: Account, key_id: str, current: Secret) -> str | None:
    match expect(_call(account, "GET", f"/keys/{key_id}", admin(account)), what="looking").json():
        case {"successor": str(successor)}:
            return successor
        case _:
            return None


def _generate(current: Secret) -> Secret:
    return Secret(_new_value(admin=False))


def _set_value(account: Account, old: Secret, new: Secret) -> None:
    body = {"old": digest(old.reveal_text()), "new": digest(new.reveal_text())}
    expect(_call(account, "PUT", "/keys", admin(account), body), what="setting")


def _activate(account: Account, key_id: str) -> None:
    expect(_call(account, "POST", f"/keys/{key_id}/active", admin(account)), what="switching on")


def _deactivate(account: Account, key_id: str) -> None:
    expect(_call(account, "POST", f"/keys/{key_id}/inactive", admin(account)), what="switching off")


def _revoke(account: Account, key_id: str | None, secret: Secret) -> None:
    answer = _call(account, "DELETE", f"/keys/{known(key_id)}", admin(account))
    expect(answer, what="deleting", accepted=frozenset({200, 404}))


def _end_self(account: Account, secret: Secret) -> None:
    expect(_call(account, "DELETE", "/self", secret), what="ending itself", accepted=frozenset({200, 401}))


def _call(account: Account, method: str, path: str, key: Secret, body: object = None) -> Response:
    return call(account, method, path, base="http://127.0.0.1", headers=bearer(key), body=body)


def _answer(state: State, call: Call) -> Answer:
    key = state.by_value(call.headers.get("authorization", "").removeprefix("Bearer "))
    if not accepted(state, key, call.now) or key is None:
        return Answer(401, {"error": "unknown_key"})
    if call.path == "/probe":
        return Answer(200, {})
    if (call.method, call.path) == ("DELETE", "/self"):
        return _one(state, key, "DELETE", call.now)
    if not key.admin:
        return Answer(403, {"error": "forbidden"})
    live = [one for one in state.keys.values() if one.status == "active" and not one.admin]
    match call.method, call.path.strip("/").split("/"):
        case "GET", ["keys"]:
            return Answer(200, {"keys": [{"id": one.id, "name": one.name} for one in live]})
        case "POST", ["keys"]:
            if len(live) >= (state.limit or 1000):
                return Answer(409, {"error": "limit"})
            return _made(state, "" if state.limit == _SLOTS else str(call.body["name"]))
        case "PUT", ["keys"]:
            return _set(state, call)
        case method, ["keys", str(key_id), *rest] if key_id in state.keys:
            return _one(state, state.keys[key_id], f"{method} {'/'.join(rest)}".strip(), call.now)
        case _:
            return Answer(404, {"error": "no such key"})


def _one(state: State, key: Key, asked: str, now: float) -> Answer:
    match asked:
        case "GET":
            return Answer(200, {"successor": state.extra.get(key.id)})
        case "GET value":
            return Answer(200, {"id": key.id, "value": _SHOWN[key.id]})
        case "POST roll" if key.status == "active":
            made = _made(state, key.name)
            key.status, key.ended_at = "rolled", now
            state.extra[key.id] = made.body["id"]  # type: ignore[index]
            return made
        case "POST active" | "POST inactive" if key.status in {"active", "inactive"}:
            key.status = asked.removeprefix("POST ")
            return Answer(200, {})
        case "DELETE" if key.status in {"active", "inactive"}:
            key.status, key.ended_at = "deleted", now
            return Answer(200, {})
        case _:
            return Answer(404, {"error": "no such key"})


def _made(state: State, name: str) -> Answer:
    value = _new_value(admin=False)
    key = Key(id=f"fk{secrets.token_hex(8)}", name=name, digest=digest(value), hint="", owner="")
    state.keys[key.id] = key
    _SHOWN[key.id] = value
    return Answer(200, {"id": key.id, "value": value})


def _set(state: State, call: Call) -> Answer:
    """Give the one key that has the old or the new value the new one."""
    for key in state.keys.values():
        if key.digest in {call.body["old"], call.body["new"]}:
            key.digest = str(call.body["new"])
            return Answer(200, {})
    return Answer(404, {"error": "no such key"})


def _new_value(*, admin: bool) -> str:
    """A value that looks like nobody's key."""
    return f"fake.{'adm' if admin else 'key'}.{hashlib.sha256(secrets.token_bytes(32)).hexdigest()}"
