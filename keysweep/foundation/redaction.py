"""Logging that cannot repeat a live secret: a filter masks every registered value and its common encodings."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, final
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from keysweep.foundation.secret import Secret

_MASK = "[redacted]"
_SHORTEST = 6


def encodings(value: bytes) -> frozenset[str]:
    """Return the forms in which *value* could appear in a line of text.

    Raw, escaped as in JSON, Python and URLs, hexadecimal, backwards, and base64 both of its own and of a longer text that it
    stands in: there its characters depend on where it begins, modulo three.
    """
    text = value.decode("utf-8", "backslashreplace")
    return frozenset(
        {
            text,
            text[::-1],
            repr(text)[1:-1],
            quote(text),
            quote(text, safe=""),
            quote_plus(text),
            json.dumps(text)[1:-1],
            json.dumps(text)[1:-1].replace("/", "\\/"),
            json.dumps(json.dumps(text)[1:-1])[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
            value.hex(),
            value.hex().upper(),
            *_in_base64(value),
        }
    )


def _in_base64(value: bytes) -> Iterator[str]:
    """Yield the characters of base64 that *value* alone decides, for each place that it can begin at."""
    yield base64.b64encode(value).decode().rstrip("=")
    yield base64.urlsafe_b64encode(value).decode().rstrip("=")
    for before in range(3):
        whole = base64.b64encode(bytes(before) + value).decode().rstrip("=")
        rest = (before + len(value)) % 3
        inner = whole[(0, 2, 3)[before] : len(whole) - (1 if rest else 0)]
        if len(inner) >= _SHORTEST:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


@final
class RedactingFilter(logging.Filter):
    """Masks registered values in the formatted message, and drops the arguments they came from."""

    def __init__(self) -> None:
        super().__init__()
        self._needles: set[str] = set()

    def register(self, secret: Secret) -> None:
        """Mask *secret* from now on; values too short to be a secret are ignored."""
        if len(secret) >= _SHORTEST:
            self._needles |= encodings(secret.reveal())

    def forget(self) -> None:
        """Mask nothing that was registered until now: a process that lives long keeps no value that it does not need."""
        self._needles.clear()

    def mask(self, text: str) -> str:
        """Return *text* without any registered value."""
        for needle in sorted(self._needles, key=len, reverse=True):  # a value may contain another one
            text = text.replace(needle, _MASK)
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; always lets it pass."""
        record.msg = self.mask(record.getMessage())
        record.args = ()
        if record.exc_info:
            record.exc_text = self.mask(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


REDACTION = RedactingFilter()
"""The filter of this process; the vault registers each value that it opens."""


def configure_logging(*, verbosity: int) -> None:
    """Send the log of this process to standard error, through the filter.

    Args:
        verbosity: -1 errors only, 0 warnings, 1 information, 2 debugging.
    """
    level = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(REDACTION)
    root = logging.getLogger("keysweep")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
