"""Twilio API keys: minted with the permissions of the old one; a stored value is `SID:SECRET`, as programs sign in with it.

There is no switching off.  A restricted key's permissions are copied to the new one, so that a rotation widens nothing.  The probe
reads one page of the account's applications, or what the setting `probe_path` names, for a restricted key that may not do that: dead
is 401 with code 20003, which Twilio gives to a key without the permission as well; therefore the new key, which has the same
permissions, is asked first.  How long a deleted key is still accepted is not documented; ten seconds are assumed.
Source: the vendor's API reference (IAM v1 keys, API 2010-04-01) and SDK.  Settings: `account_sid`, `probe_path`, `base_url`.  The
administering credential is `ACCOUNT_SID:AUTH_TOKEN`, or `SID:SECRET` of a main key: standard keys may not manage keys.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, quote, urlsplit

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, Facts, Kind, Minted, Provider, ProviderKey, Verdict
from keysweep.rotation.vendor import admin, basic, call, known, pages, pair, parsed, read, setting, unreadable, verdict

_API = "https://api.twilio.com"
_IAM = "https://iam.twilio.com"
_PAGE = 100
_WHAT = "SID:SECRET of an API key"


def probe(account: Account, secret: Secret) -> Verdict:
    """Read what any key of the account may: 200 is alive, and 403 with a code of Twilio's; 401 with code 20003 is dead."""
    return verdict(
        lambda: _ask(account, secret),
        alive=frozenset({200, 403}),
        dead=lambda answer: "401 20003" if (answer.status, _code(answer)) == (401, 20003) else None,
        sure=lambda answer: answer.status == 200 or _code(answer) is not None,
    )


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every key of the account."""

    def page(more: str) -> tuple[list[object], str]:
        path = f"?AccountSid={setting(account, 'account_sid')}&PageSize={_PAGE}{more}"
        match expect(_call(account, "GET", path), what="listing keys").json():
            case {"keys": [*keys], "meta": {**meta}}:
                return keys, _next(str(meta.get("next_page_url") or ""))
            case _:
                raise unreadable(what="the list of keys")

    return tuple(_listed(key) for key in pages(page))


def identify(account: Account, secret: Secret) -> str | None:  # noqa: ARG001  the value says it
    """Return the SID that the stored value begins with."""
    sid, _ = pair(secret, what=_WHAT)
    return sid


def mint(account: Account, tag: str) -> Secret:
    """Create a key with the permissions of the one that goes; the answer holds the secret once."""
    form = {"AccountSid": account.settings.get("account_sid", ""), "FriendlyName": tag}
    if account.key_id and (policy := _policy(account, account.key_id)):
        form |= {"KeyType": "restricted", "Policy": json.dumps(policy)}
    return Secret(expect(_call(account, "POST", "", form=form), what="minting a key").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`."""
    match read(raw):
        case {"sid": str(sid), "secret": str(secret)} if sid and secret:
            return Minted(secret=Secret(f"{sid}:{secret}"), key_id=sid)
        case _:
            raise unreadable(what="the answer to minting")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the key; one that is gone is success."""
    answer = _call(account, "DELETE", f"/{known(key_id)}")
    expect(answer, what="deleting the key", accepted=frozenset({200, 204, 404}))


def _ask(account: Account, secret: Secret) -> Response:
    pair(secret, what=_WHAT)
    path = account.settings.get("probe_path") or "/Applications.json?PageSize=1"
    where = f"/2010-04-01/Accounts/{setting(account, 'account_sid')}/{path.removeprefix('/')}"
    return call(account, "GET", where, base=_API, headers=basic(secret))


def _call(account: Account, method: str, path: str, *, form: dict[str, str] | None = None) -> Response:
    return call(account, method, f"/v1/Keys{path}", base=_IAM, headers=basic(admin(account)), form=form)


def _policy(account: Account, sid: str) -> object:
    """Return what a restricted key may do, None for a standard one."""
    match expect(_call(account, "GET", f"/{known(sid)}"), what="reading a key").json():
        case {"sid": str(), **rest}:
            return rest.get("policy")
        case _:
            raise unreadable(what="a key")


def _next(url: str) -> str:
    """Return what the address of the next page asks for beyond our own query; the address itself is never called."""
    asked = parse_qs(urlsplit(url).query)
    return "".join(f"&{name}={quote(asked[name][0], safe='')}" for name in ("Page", "PageToken") if asked.get(name))


def _listed(key: object) -> ProviderKey:
    match key:
        case {"sid": str(sid), **rest}:
            return ProviderKey(
                key_id=sid,
                name=str(rest.get("friendly_name") or ""),
                active=True,
                created_at=_moment(rest.get("date_created")),
            )
        case _:
            raise unreadable(what="a listed key")


def _moment(value: object) -> datetime | None:
    """Read a time as in the heads of mails; None for what is none."""
    try:
        found = parsedate_to_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def _code(answer: Response) -> int | None:
    """Return Twilio's own code of an error."""
    match parsed(answer):
        case {"code": int(code)}:
            return code
        case _:
            return None


PROVIDER = Provider(
    title="Twilio (API keys)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=10),
        needs_admin=True,
        tag_limit=64,
        proven_on="a stateful simulator that the vendor's own SDK accepts",
    ),
    probe=probe,
    find=find,
    identify=identify,
    mint=mint,
    read_minted=read_minted,
    revoke=revoke,
)
