"""Ask vendors whether leaked keys still work: one harmless call a key, to the host that the key's own prefix proves, and nowhere else.

The plaintext is here for the length of that call only.  Whatever goes wrong is an answer too: unknown.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Mapping
from typing import final
from urllib.parse import urlsplit, urlunsplit

from keysweep.foundation.errors import MissingExtraError
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.rotation.http import LOOPBACK, Response, request
from keysweep.rotation.providers import ProviderError
from keysweep.rotation.questions import fits, questions, seen
from keysweep.rotation.verifiers import Question
from keysweep.scanner.finding import Match
from keysweep.scanner.live import Live

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
        if seen(question.alive, answer) is not None:
            return Live.ALIVE
        return Live.DEAD if seen(question.dead, answer) is not None else Live.UNKNOWN

    def _call(self, question: Question, match: Match) -> Response:
        key = match.secret.reveal_text()
        headers = {name: value.replace("{key}", key) for name, value in question.headers.items()}
        url = _at(question.url, self._settings.get(match.provider, {}).get("base_url", ""))
        return request(question.method, url, headers=headers, timeout_s=self._timeout_s, largest=_LARGEST)


def question_about(match: Match) -> Question | None:
    """Return how to ask about a key; None where its own beginning does not prove the host."""
    key = match.secret.reveal()
    if not key.isascii() or not key.decode().isprintable():
        return None
    return next((question for question in questions(match.provider) if fits(question, key)), None)


def _at(url: str, base: str) -> str:
    """Return *url*, moved to a server of this machine where the settings name one."""
    try:
        own = urlsplit(base)
        local = own.hostname in LOOPBACK and own.scheme in {"http", "https"}
    except ValueError:
        return url
    return urlunsplit(urlsplit(url)._replace(scheme=own.scheme, netloc=own.netloc)) if local else url
