"""Google API keys, Gemini's among them: created with the restrictions of the old one, and readable again.

A deleted key goes on working for up to 23 minutes, and can be brought back for 30 days.  Therefore a compromised key is first
restricted to an address that nobody has (that has to spread as well); what it was restricted to before is noted on the key itself,
so that it can be put back.  Creating is a long-running operation; after a lost answer the value is read back.  `lookupKey` says
which key a value is of.  Dead is 400 `API_KEY_INVALID`, or 403 with Google's notice that the key was reported as leaked; a key that
is kept out by its restrictions answers 403 with a reason, and lives.
Source: the vendor's API Keys reference (v2) and the errors of its client libraries.  Settings: `project_id`, `base_url`.  The
administering key is a service-account key file (role: API Keys Admin).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.oauth import google_admin
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
from keysweep.rotation.vendor import bearer, call, known, moment, pages, parsed, read, setting, unreadable, verdict

_BASE = "https://apikeys.googleapis.com"
_PROBED = "https://generativelanguage.googleapis.com"
_PAGE = 100
_PAUSE_S = 0.2
_NOTE = "keysweep-restrictions"
"""Annotation that keeps what a key was restricted to before it was contained."""
_NOBODY = {"serverKeyRestrictions": {"allowedIps": ["192.0.2.1"]}}
"""An address of TEST-NET-1, which is routed nowhere."""
_KEPT_OUT = frozenset(
    {
        "API_KEY_ANDROID_APP_BLOCKED",
        "API_KEY_HTTP_REFERRER_BLOCKED",
        "API_KEY_IOS_APP_BLOCKED",
        "API_KEY_IP_ADDRESS_BLOCKED",
        "API_KEY_SERVICE_BLOCKED",
        "SERVICE_DISABLED",
    }
)
"""Reasons of Google's `ErrorReason` by which it shows that it knows the key."""


def probe(account: Account, secret: Secret) -> Verdict:
    """List one Gemini model: 200, and 403 for a restriction, are alive; 400 `API_KEY_INVALID` and a reported leak are dead."""
    headers = {"x-goog-api-key": secret.reveal_text()}
    return verdict(
        lambda: call(account, "GET", "/v1/models?pageSize=1", base=_PROBED, headers=headers),
        alive=frozenset({200, 403}),
        dead=_dead,
        sure=lambda answer: answer.status == 200 or bool(_reasons(answer) & _KEPT_OUT),
    )


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List the keys of the project; deleted ones are left out."""

    def page(token: str) -> tuple[list[object], str]:
        path = f"{_keys(account)}?pageSize={_PAGE}{token}"
        match expect(_call(account, "GET", path), what="listing keys").json():
            case {**told} if isinstance(keys := told.get("keys", []), list):
                following = told.get("nextPageToken")
                return keys, f"&pageToken={quote(str(following), safe='')}" if following else ""
            case _:
                raise unreadable(what="the list of keys")

    return tuple(_listed(key) for key in pages(page))


def identify(account: Account, secret: Secret) -> str | None:
    """Ask which key a value is of."""
    answer = _call(account, "GET", f"/v2/keys:lookupKey?keyString={quote(secret.reveal_text(), safe='')}")
    if answer.status in {400, 403, 404}:  # 403 for a stranger's key as well
        return None
    match expect(answer, what="looking a key up").json():
        case {"name": str(name)}:
            return _last(name)
        case _:
            return None


def mint(account: Account, tag: str) -> Secret:
    """Create a key that is restricted like the one that goes, wait until it exists, and read its value."""
    wanted: dict[str, object] = {"displayName": tag}
    if account.key_id:
        wanted["restrictions"] = _restrictions(_get(account, account.key_id))
    made = _finished(account, expect(_call(account, "POST", _keys(account), wanted), what="minting a key"))
    match made:
        case {"name": str(name)}:
            return read_back(account, _last(name))
        case _:
            raise unreadable(what="the answer to minting")


def read_back(account: Account, key_id: str) -> Secret:
    """Return the value of a key, with its id."""
    answer = expect(_call(account, "GET", f"{_keys(account)}/{known(key_id)}/keyString"), what="reading a key's value")
    return Secret(b'{"id":%b,"answer":%b}' % (json.dumps(key_id).encode(), answer.body))


def read_minted(raw: Secret) -> Minted:
    """Read what `mint` and `read_back` return."""
    match read(raw):
        case {"id": str(key_id), "answer": {"keyString": str(value)}} if value:
            return Minted(secret=Secret(value), key_id=key_id)
        case _:
            raise unreadable(what="the answer to reading a key's value")


def activate(account: Account, key_id: str) -> None:
    """Put back what the key was restricted to before it was contained."""
    key = _get(account, key_id)
    notes = _notes(key)
    if _NOTE in notes:
        before = _restrictions(key)
        _change(account, key_id, before, {name: text for name, text in notes.items() if name != _NOTE})


def deactivate(account: Account, key_id: str) -> None:
    """Contain the key: restrict it to an address that nobody has, and note on it what it was restricted to."""
    key = _get(account, key_id)
    notes = _notes(key)
    if _NOTE not in notes:
        _change(account, key_id, _NOBODY, {**notes, _NOTE: json.dumps(_restrictions(key))})


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the key; one that is gone is success."""
    answer = _call(account, "DELETE", f"{_keys(account)}/{known(key_id)}")
    expect(answer, what="deleting the key", accepted=frozenset({200, 204, 404}))


def _call(account: Account, method: str, path: str, body: object = None) -> Response:
    return call(account, method, path, base=_BASE, headers=bearer(google_admin(account)), body=body)


def _keys(account: Account) -> str:
    return f"/v2/projects/{setting(account, 'project_id')}/locations/global/keys"


def _get(account: Account, key_id: str) -> Mapping[str, object]:
    match expect(_call(account, "GET", f"{_keys(account)}/{known(key_id)}"), what="reading a key").json():
        case {"name": str(), **rest}:
            return {str(name): value for name, value in rest.items()}
        case _:
            raise unreadable(what="a key")


def _change(account: Account, key_id: str, restrictions: object, notes: Mapping[str, str]) -> None:
    path = f"{_keys(account)}/{known(key_id)}?updateMask=restrictions,annotations"
    answer = _call(account, "PATCH", path, {"restrictions": restrictions, "annotations": dict(notes)})
    _finished(account, expect(answer, what="restricting the key"))


def _finished(account: Account, answer: Response) -> object:
    """Wait for a long-running operation and return its response.

    Raises:
        ProviderError: it failed, or is not done in the time of one call: UNCERTAIN then.
    """
    until = time.monotonic() + account.timeout_s
    while True:
        match answer.json():
            case {"done": True, "response": response}:
                return response
            case {"done": True}:
                msg = "the operation failed at the provider"
                raise ProviderError(msg, trouble=Trouble.REJECTED)
            case {"name": str(name)}:
                if time.monotonic() > until:
                    msg = "the operation is not done yet"
                    raise ProviderError(msg, trouble=Trouble.UNCERTAIN)
                time.sleep(_PAUSE_S)
                answer = expect(_call(account, "GET", f"/v2/{quote(name)}"), what="waiting for an operation")
            case _:
                raise unreadable(what="an operation")


def _restrictions(key: Mapping[str, object]) -> object:
    """Return what a key is restricted to, or was before it was contained."""
    note = _notes(key).get(_NOTE)
    if note is None:
        return key.get("restrictions", {})
    try:
        return json.loads(note)
    except ValueError:
        raise unreadable(what=f"the annotation {_NOTE} of a contained key") from None


def _notes(key: Mapping[str, object]) -> dict[str, str]:
    notes = key.get("annotations")
    return {str(name): str(text) for name, text in notes.items()} if isinstance(notes, dict) else {}


def _listed(key: object) -> ProviderKey:
    match key:
        case {"name": str(name), **rest}:
            return ProviderKey(
                key_id=_last(name),
                name=str(rest.get("displayName") or ""),
                active=True,
                created_at=moment(rest.get("createTime")),
            )
        case _:
            raise unreadable(what="a listed key")


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _dead(answer: Response) -> str | None:
    match answer.status, parsed(answer):
        case 400, _ if "API_KEY_INVALID" in _reasons(answer):
            return "400 API_KEY_INVALID"
        case 403, {"error": {"status": "PERMISSION_DENIED", "message": str(why)}} if "reported as leaked" in why:
            return "403 reported as leaked"
        case _:
            return None


def _reasons(answer: Response) -> set[str]:
    match parsed(answer):
        case {"error": {"details": [*details]}}:
            return {str(one.get("reason")) for one in details if isinstance(one, dict)}
        case _:
            return set()


PROVIDER = Provider(
    title="Google (API keys, Gemini)",
    facts=Facts(
        kind=Kind.MINT_READABLE,
        max_live_keys=None,
        disable_reversible=True,
        old_dies_on_set=False,
        revocation_window=timedelta(minutes=23),
        needs_admin=True,
        tag_limit=63,
        proven_on="a stateful simulator: the probe by google-genai, the vendor's own library; API Keys calls are after the reference alone",
    ),
    probe=probe,
    find=find,
    identify=identify,
    mint=mint,
    read_minted=read_minted,
    read_back=read_back,
    activate=activate,
    deactivate=deactivate,
    revoke=revoke,
)
