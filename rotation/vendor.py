"""What the adapters of HTTP vendors share: settings and administering key of an account, and verdicts from answers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from keysweep.foundation.clock import from_text
from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, request
from keysweep.rotation.providers import Account, Liveness, ProviderError, Trouble, Verdict

_LATEST_S = 1 << 34
"""A larger number is one of milliseconds."""
_NEVER = 9999
_MOST_PAGES = 1000


def call(
    account: Account,
    method: str,
    path: str,
    *,
    base: str,
    headers: Mapping[str, str],
    body: object = None,
    form: Mapping[str, str] | None = None,
) -> Response:
    """Send one request to the vendor, or to where the setting `base_url` says.

    Raises:
        ProviderError: there was no answer.
    """
    where = account.settings.get("base_url", base).rstrip("/")
    return request(method, where + path, headers=headers, timeout_s=account.timeout_s, body=body, form=form)


def bearer(key: Secret) -> dict[str, str]:
    """Return the header that carries a key as a bearer token."""
    return {"Authorization": f"Bearer {key.reveal_text()}"}


def verdict(
    ask: Callable[[], Response],
    *,
    alive: frozenset[int],
    dead: Callable[[Response], str | None],
    sure: Callable[[Response], bool] = lambda _: True,
) -> Verdict:
    """Return what an answer says about a key; an answer that does not come says nothing.

    Args:
        ask: sends the probe.
        alive: statuses by which the vendor shows that it knows the key.
        dead: returns the public code of the vendor's own refusal, None if an answer is none.  Asked first: some vendors refuse
            with status 200.
        sure: whether an answer with a status of *alive* is the vendor's yes, where the body says so.
    """
    try:
        answer = ask()
    except ProviderError as error:
        return Verdict(liveness=Liveness.UNKNOWN, code=error.trouble.value)
    if (code := dead(answer)) is not None:
        return Verdict(liveness=Liveness.DEAD, code=code)
    liveness = Liveness.ALIVE if answer.status in alive and sure(answer) else Liveness.UNKNOWN
    return Verdict(liveness=liveness, code=str(answer.status))


def parsed(answer: Response) -> object:
    """Return the parsed body of an answer, None if it is no JSON."""
    try:
        return answer.json()
    except ProviderError:
        return None


def read(raw: Secret) -> object:
    """Return the parsed raw response that was sealed.

    Raises:
        ProviderError: it is no JSON.
    """
    return Response(status=200, body=raw.reveal(), retry_after_s=None).json()


def setting(account: Account, name: str) -> str:
    """Return a setting that the vendor's adapter cannot do without, quoted for use in a path.

    Raises:
        ProviderError: it is missing.
    """
    if not account.settings.get(name):
        msg = f"the setting {name} is missing for {account.credential!r}"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return quote(account.settings[name], safe="")


def admin(account: Account) -> Secret:
    """Return the administering key.

    Raises:
        ProviderError: none is stored.
    """
    if account.admin is None:
        msg = "no administering key"
        raise ProviderError(msg, trouble=Trouble.REFUSED)
    return account.admin


def pair(stored: Secret, *, what: str) -> tuple[str, Secret]:
    """Split a stored `NAME:SECRET` into what is no secret and what is.

    Args:
        stored: the value.
        what: what it must be, in the words of the vendor.

    Raises:
        ProviderError: it is no pair.
    """
    name, _, secret = stored.reveal().decode(errors="replace").partition(":")
    if not name or not secret:
        msg = f"the stored value is no {what}"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return name, Secret(secret)


def basic(stored: Secret) -> dict[str, str]:
    """Return the header that carries a stored `NAME:SECRET` as basic authentication."""
    return {"Authorization": f"Basic {base64.b64encode(stored.reveal()).decode()}"}


def known(key_id: str | None) -> str:
    """Return a key's id, quoted for use in a path: a key is addressed by its own id, never by a guess.

    Raises:
        ProviderError: it is not known.
    """
    if not key_id:
        msg = "the key's id at the provider is not known"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return quote(key_id, safe="")


def pages(page: Callable[[str], tuple[Sequence[object], str]], *, what: str = "the list of keys") -> Iterator[object]:
    """Yield the rows of every page of a list.

    Args:
        page: given what asks for a page, empty for the first, returns its rows and what asks for the next one, empty after the last.
        what: the list, in words.

    Raises:
        ProviderError: the list does not end.
    """
    asked, at = {""}, ""
    for _ in range(_MOST_PAGES):
        rows, at = page(at)
        yield from rows
        if not at:
            return
        if at in asked:
            break
        asked.add(at)
    raise unreadable(what=f"{what}, which does not end,")


def lifetime(made: str, ends: str) -> timedelta:
    """Return how long a key was to live, given the vendor's two times of it.

    Raises:
        ProviderError: they are no times.
    """
    try:
        return datetime.fromisoformat(ends) - datetime.fromisoformat(made)
    except (ValueError, TypeError):
        raise unreadable(what="the time at which a key ends") from None


def moment(value: object) -> datetime | None:
    """Read a time that a vendor tells, in RFC 3339; None for what is none."""
    try:
        return from_text(value) if isinstance(value, str) else None
    except ValueError:
        return None


def end(value: object) -> datetime | None:
    """Read when a key ends by itself, however the vendor tells it: a time, a day, or seconds or milliseconds since 1970.

    Returns:
        None for never, which some vendors write as a time in the last year that there is, and for what is no time.
    """
    match value:
        case bool():
            return None
        case int() | float() if 0 < value < _LATEST_S * 1000:
            return datetime.fromtimestamp(value if value < _LATEST_S else value / 1000, UTC)
        case str():
            try:
                found = datetime.fromisoformat(value)
            except ValueError:
                return None
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
            return found.astimezone(UTC) if found.year < _NEVER else None
        case _:
            return None


def unreadable(*, what: str) -> ProviderError:
    """Return the error for an answer that is not what the vendor documents."""
    return ProviderError(f"{what} is not what the vendor documents", trouble=Trouble.UNREADABLE)
