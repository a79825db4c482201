"""Ask vendors whether leaked keys still work: one harmless call a key, to the host that the key's own prefix proves, and nowhere else.

The plaintext is here for the length of that call only.  Whatever goes wrong is an answer too: unknown.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import final
from urllib.parse import urlsplit, urlunsplit

from keysweep.foundation.errors import MissingExtraError
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.rotation.http import LOOPBACK, Response, request
from keysweep.rotation.providers import ProviderError
from keysweep.rotation.verifiers import Question, Sign
from keysweep.scanner.finding import Match
from keysweep.scanner.live import Live

_FOLDER = Path(__file__).parent / "verifiers"
_MOST = 200
"""Keys that one scan asks about; the rest stay unknown."""
_PAUSE_S = 0.2
"""Between two calls."""
_LARGEST = 64 << 10
_GIVE_UP = 3
"""Calls in a row without an answer after which a vendor is left alone."""


@final
class LiveCheck:
    """`Verifier` over the vendors' public interfaces.

    Args:
        settings: of the providers; a `base_url` counts only where it names this machine.
        timeout_s: for one call.
        now: monotonic time.
        sleep: waits.

    Raises:
        MissingExtraError: the HTTP client is not installed.
    """

    def __init__(
        self,
        settings: Mapping[str, Mapping[str, str]],
        *,
        timeout_s: float = 5.0,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if importlib.util.find_spec("httpx2") is None:
            raise MissingExtraError(feature="asking vendors whether keys are live", extra="rotate")
        self._settings = settings
        self._timeout_s = timeout_s
        self._now = now
        self._sleep = sleep
        self._answers: dict[Fingerprint, Live] = {}
        self._silent: dict[str, int] = {}
        self._last = -_PAUSE_S

    def live(self, match: Match, fingerprint: Fingerprint) -> Live:
        """Return whether the vendor accepts a key; each is asked about once."""
        if fingerprint not in self._answers:
            self._answers[fingerprint] = self._asked(match)
        return self._answers[fingerprint]

    def _asked(self, match: Match) -> Live:
        question = question_about(match)
        if question is None or len(self._answers) >= _MOST or self._silent.get(match.provider, 0) >= _GIVE_UP:
            return Live.UNKNOWN
        self._sleep(max(self._last + _PAUSE_S - self._now(), 0))
        self._last = self._now()
        try:
            answer = self._call(question, match)
        except ProviderError:
            self._silent[match.provider] = self._silent.get(match.provider, 0) + 1
            return Live.UNKNOWN
        self._silent[match.provider] = 0
        body = b"".join(answer.body.split()).decode("utf-8", "replace")
        if _shows(question.alive, answer.status, body):
            return Live.ALIVE
        return Live.DEAD if _shows(question.dead, answer.status, body) else Live.UNKNOWN

    def _call(self, question: Question, match: Match) -> Response:
        key = match.secret.reveal_text()
        headers = {name: value.replace("{key}", key) for name, value in question.headers.items()}
        url = _at(question.url, self._settings.get(match.provider, {}).get("base_url", ""))
        return request(question.method, url, headers=headers, timeout_s=self._timeout_s, largest=_LARGEST)


def vendors() -> tuple[str, ...]:
    """Return the vendors that can be asked, in order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.py") if path.stem != "__init__"))


def questions(vendor: str) -> tuple[Question, ...]:
    """Return how one vendor is asked; nothing if it is not among `vendors`."""
    if vendor not in vendors():
        return ()
    asked: tuple[Question, ...] = importlib.import_module(f"keysweep.rotation.verifiers.{vendor}").QUESTIONS
    return asked


def question_about(match: Match) -> Question | None:
    """Return how to ask about a key; None where its own beginning does not prove the host."""
    key = match.secret.reveal()
    if not key.isascii() or not key.decode().isprintable():
        return None
    for question in questions(match.provider):
        if len(key) >= question.shortest and key.startswith(tuple(prefix.encode() for prefix in question.prefixes)):
            return question
    return None


def _at(url: str, base: str) -> str:
    """Return *url*, moved to a server of this machine where the settings name one."""
    try:
        own = urlsplit(base)
        local = own.hostname in LOOPBACK and own.scheme in {"http", "https"}
    except ValueError:
        return url
    return urlunsplit(urlsplit(url)._replace(scheme=own.scheme, netloc=own.netloc)) if local else url


def _shows(signs: tuple[Sign, ...], status: int, body: str) -> bool:
    return any(sign.status == status and sign.text in body for sign in signs)
