"""Accepted findings: a file that can be published, because it tells nothing about the keys that it accepts.

Each entry is scrypt of the value under the file's own random salt, so that even a short password cannot be tested cheaply.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rules.model import RuleId

_SCHEMA = "keysweep.dev/baseline/v1"
_COST = 1 << 13


@dataclass(frozen=True, slots=True, order=True)
class Accepted:
    """One accepted key."""

    rule: RuleId
    length: int
    """In bytes; with the rule it says cheaply whether the hash is worth computing."""
    digest: str


@final
class Baseline:
    """A set of accepted keys, and those that are met while it is open."""

    def __init__(self, salt: bytes, accepted: Iterable[Accepted]) -> None:
        self._salt = salt
        self._accepted = frozenset(accepted)
        self._worth = {(entry.rule, entry.length) for entry in self._accepted}
        self._met: set[Accepted] = set()

    def accepts(self, rule: RuleId, secret: Secret) -> bool:
        """Whether the key was accepted before."""
        return (rule, len(secret)) in self._worth and self._entry(rule, secret) in self._accepted

    def meet(self, rule: RuleId, secret: Secret) -> bool:
        """Remember a key for `text`; never hides it in this run."""
        self._met.add(self._entry(rule, secret))
        return False

    def text(self) -> str:
        """Return the file that accepts what was accepted and what was met."""
        entries = sorted(self._accepted | self._met)
        return (
            json.dumps(
                {
                    "schema": _SCHEMA,
                    "salt": self._salt.hex(),
                    "accepted": [{"rule": e.rule, "length": e.length, "digest": e.digest} for e in entries],
                },
                indent=1,
            )
            + "\n"
        )

    def _entry(self, rule: RuleId, secret: Secret) -> Accepted:
        digest = hashlib.scrypt(secret.reveal(), salt=self._salt, n=_COST, r=8, p=1, dklen=16)
        return Accepted(rule, len(secret), digest.hex())


def new_baseline() -> Baseline:
    """Return one that accepts nothing."""
    return Baseline(os.urandom(16), ())


def read_baseline(path: Path) -> Baseline:
    """Read a baseline file.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    try:
        document: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"cannot read the baseline {path}: {error.strerror}"
        raise UsageError(msg) from error
    except (ValueError, RecursionError):
        document = None
    match document:
        case {"schema": str(schema), "salt": str(salt), "accepted": [*entries]} if schema == _SCHEMA:
            try:
                return Baseline(
                    bytes.fromhex(salt), (Accepted(RuleId(e["rule"]), int(e["length"]), e["digest"]) for e in entries)
                )
            except (ValueError, KeyError, TypeError):
                pass
        case _:
            pass
    msg = f"{path} is not a baseline"
    raise UsageError(msg, hint="keysweep scan --write-baseline FILE")
