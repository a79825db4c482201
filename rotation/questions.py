"""The questions of `verifiers` by the vendor's name, and what an answer to one shows."""

from __future__ import annotations

import importlib
import pkgutil

from keysweep.rotation import verifiers
from keysweep.rotation.http import Response
from keysweep.rotation.verifiers import Question, Sign


def vendors() -> tuple[str, ...]:
    """Return the vendors that can be asked, in order."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(verifiers.__path__)))


def questions(vendor: str) -> tuple[Question, ...]:
    """Return how one vendor is asked; nothing if it is not among `vendors`."""
    if vendor not in vendors():
        return ()
    asked: tuple[Question, ...] = importlib.import_module(f"keysweep.rotation.verifiers.{vendor}").QUESTIONS
    return asked


def fits(question: Question, key: bytes) -> bool:
    """Whether the beginning of a key proves that this vendor made it."""
    return len(key) >= question.shortest and key.startswith(tuple(prefix.encode() for prefix in question.prefixes))


def seen(signs: tuple[Sign, ...], answer: Response) -> Sign | None:
    """Return the sign that an answer shows, None if it shows none of them."""
    body = b"".join(answer.body.split()).decode("utf-8", "replace")
    return next((sign for sign in signs if sign.status == answer.status and sign.text in body), None)
