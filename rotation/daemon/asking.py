"""`KnownKeys` by asking the daemon: the process that reads what strangers wrote holds no key of the store, not even that of fingerprints."""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple, final

from keysweep.foundation.fingerprint import Fingerprint, Fingerprinter
from keysweep.foundation.secret import Secret
from keysweep.rotation.daemon import client, protocol
from keysweep.rotation.daemon.client import NoDaemonError
from keysweep.rotation.daemon.protocol import Finished, Known
from keysweep.scanner.key_ids import Shape
from keysweep.scanner.known import (
    CredentialMatch,
    KnownState,
    MatchKind,
    NoKnownKeys,
    Recognised,
    Resemblance,
    Unshaped,
)

_TRIES, _BETWEEN_S = 4, 0.25
"""A daemon that is busy for a moment does not end a scan."""
_BATCH = 1 << 16
"""Bytes of values that are asked about at once."""
_ORDER = list(KnownState)

Ask = Callable[[Known], Mapping[str, object]]
"""Asks the daemon."""


class _Told(NamedTuple):
    """What the store says of one value."""

    fingerprint: Fingerprint
    owner: CredentialMatch | None
    named: CredentialMatch | None


@final
class Resident:
    """A store that is asked at the daemon: fingerprints, and whose they are.

    What was said of a value is remembered by a hash under a key that lasts as long as this process; the value is not.

    Args:
        ask: reaches the daemon.
    """

    database = None
    """There is none here."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._key = os.urandom(32)
        self._told: dict[bytes, _Told] = {}
        self._by_print: dict[Fingerprint, _Told] = {}
        about = ask(Known(()))
        self._shapes = frozenset(_shapes(about))
        self._lengths = frozenset(_lengths(about))

    @property
    def fingerprinter(self) -> "Resident":
        """Tells fingerprints."""
        return self

    def known_keys(self) -> "Resident":
        """Return what answers whether a leaked key is one of ours."""
        return self

    def finished(self, result: Finished) -> None:
        """Let the ledger say that the scan ended, and what it says of itself."""
        self._ask(Known((), result))

    def close(self) -> None:
        """Nothing is open."""

    def of(self, secret: Secret) -> Fingerprint:
        """Return the fingerprint of a whole secret value."""
        return next(self.of_each((secret.reveal(),)))

    def of_each(self, values: Iterable[bytes]) -> Iterator[Fingerprint]:
        """Yield the fingerprint of each of *values*, in order."""
        waiting = iter(values)
        while batch := list(islice(waiting, protocol.MOST_VALUES)):
            hashed = [hashlib.blake2b(value, key=self._key).digest() for value in batch]
            fresh = {key: value for key, value in zip(hashed, batch, strict=True) if key not in self._told}
            self._learn(fresh)
            yield from (self._told[key].fingerprint for key in hashed)

    def digest(self) -> str | None:
        """Return a keyed fingerprint over the whole inventory, asked anew: a daemon that is gone has compared nothing."""
        return str(self._ask(Known(())).get("inventory"))

    def owner(self, fingerprint: Fingerprint, parts: Sequence[Fingerprint] = ()) -> CredentialMatch | None:
        """Return the stored credential whose value, or failing that whose component, has that fingerprint."""
        whole = self._owner(fingerprint)
        if whole is not None and whole.match is MatchKind.EXACT:
            return whole
        found = [known for part in (fingerprint, *parts) if (known := self._owner(part)) is not None]
        if not found:
            return None
        return min(found, key=lambda known: (_ORDER.index(known.state), -known.version))._replace(match=MatchKind.PART)

    def named(self, fingerprint: Fingerprint, length: int) -> CredentialMatch | None:  # noqa: ARG002  the daemon had the value
        """Return the stored credential whose id at its provider has that fingerprint."""
        told = self._by_print.get(fingerprint)
        return told.named if told else None

    def key_ids(self) -> frozenset[Shape]:
        """Return the shapes of the providers' ids of stored values."""
        return self._shapes

    def unshaped(self) -> Unshaped:
        """Return the lengths of stored values that no rule knows; which ones they are is asked of each candidate."""
        return Unshaped(self._lengths, self)

    def __contains__(self, fingerprint: object) -> bool:
        """Whether a fingerprint that was asked for is that of a stored value."""
        told = self._by_print.get(fingerprint) if isinstance(fingerprint, Fingerprint) else None
        return told is not None and told.owner is not None and told.owner.match is MatchKind.EXACT

    def resembling(self, text: bytes) -> Sequence[Resemblance]:
        """Return nothing: whoever may ask for a likeness can find a value out piece by piece."""
        return NoKnownKeys().resembling(text)

    def masked(self, head: bytes, tail: bytes, length: int | None) -> Recognised | None:
        """Return None, for the same reason."""
        return NoKnownKeys().masked(head, tail, length)

    def _owner(self, fingerprint: Fingerprint) -> CredentialMatch | None:
        told = self._by_print.get(fingerprint)
        return told.owner if told else None

    def _learn(self, fresh: Mapping[bytes, bytes]) -> None:
        """Ask about values, by their hash; one that is longer than any that may be asked about is a stranger's."""
        batch: dict[bytes, bytes] = {}
        size = 0
        for key, value in fresh.items():
            if len(value) > protocol.LARGEST_VALUE:
                self._told[key] = _Told(Fingerprinter(self._key).of_bytes(value), None, None)
                continue
            if size + len(value) > _BATCH:
                self._learn_batch(batch)
                batch, size = {}, 0
            batch[key] = value
            size += len(value)
        self._learn_batch(batch)

    def _learn_batch(self, batch: Mapping[bytes, bytes]) -> None:
        if not batch:
            return
        said = self._ask(Known(tuple(batch.values()))).get("known")
        if not isinstance(said, list) or len(said) != len(batch):
            msg = "the keysweep daemon answered something else"
            raise NoDaemonError(msg, hint="keysweep doctor")
        for key, one in zip(batch, said, strict=True):
            told = _Told(Fingerprint.parse(one["print"]), _match(one["owner"]), _match(one["named"]))
            self._told[key] = self._by_print[told.fingerprint] = told


def resident(path: Path) -> Resident:
    """Return the store that the daemon at *path* answers for.

    Raises:
        NoDaemonError: nobody answers there.
        RefusedByDaemonError: this user may not ask.
    """

    def ask(question: Known) -> Mapping[str, object]:
        for _ in range(_TRIES - 1):
            try:
                return client.known(path, question)
            except client.BusyError:
                time.sleep(_BETWEEN_S)
        return client.known(path, question)

    return Resident(ask)


def _shapes(about: Mapping[str, object]) -> Iterator[Shape]:
    shapes = about.get("shapes")
    for shape in shapes if isinstance(shapes, list) else ():
        head, length = shape
        yield Shape(str(head).encode(), int(length))


def _lengths(about: Mapping[str, object]) -> Iterator[int]:
    lengths = about.get("lengths")
    return map(int, lengths if isinstance(lengths, list) else ())


def _match(told: Sequence[object] | None) -> CredentialMatch | None:
    if told is None:
        return None
    name, provider, version, state, match, certainty, dead = told
    return CredentialMatch(
        name=str(name),
        provider=str(provider),
        version=int(str(version)),
        state=KnownState(str(state)),
        match=MatchKind(str(match)),
        certainty=float(str(certainty)),
        dead_since=datetime.fromisoformat(str(dead)) if dead else None,
    )
