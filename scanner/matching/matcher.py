"""Rules and decoders made ready for the engine, once, and kept between runs.

The cache is one file of the user's own, checked when it is read, rebuilt on any doubt, and safe to delete.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import zlib
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, final

from keysweep.scanner.matching.compiled import CompiledRule
from keysweep.scanner.matching.engine import Engine, compile_anchors, dump, load

_FORMAT = 9
"""Counted up whenever anchors, decoders or this file's layout change."""
_TELLING = frozenset(
    b"API_KEY api_key api-key apiKey _TOKEN _token _SECRET _secret SecretAccessKey _KEY= Bearer".split()
)
"""What stands in encoded text where a key without a form of its own does: then all of it is decoded."""
_HOST = re.compile(r"(?:[a-z0-9-]|\[[.]\])+")
_TELLS, _LONGEST_HEAD = 6, 8
"""A head that has another one of so many bytes inside is not looked for on its own."""
_DECODERS = Path(__file__).parent.parent / "decoders"
_DETECTORS = Path(__file__).parent.parent / "detectors"


class DecoderAnchor(NamedTuple):
    """What an anchor of a decoder means."""

    decoder: str
    """Name of its file."""
    width: int
    note: int


class Parts(NamedTuple):
    """What a matcher is made of; plain values, so that it can be kept between runs."""

    digest: str
    """Of the rule set."""
    rules: tuple[CompiledRule, ...]
    anchors: tuple[DecoderAnchor, ...]
    """In order behind those of the rules."""
    gates: tuple[str, ...] = ()
    """In order behind those of the decoders: the detector that wants to see the places of each pattern."""


class Gated(NamedTuple):
    """One place where the engine saw a gate of a slower detector."""

    number: int
    """Which of the detector's gates, counted from 0."""
    end: int
    """Offset behind it."""


@final
class Matcher:
    """The engine with what its hits mean."""

    def __init__(self, parts: Parts, engine: Engine) -> None:
        self.digest = parts.digest
        self.rule_anchors = [(rule, reach, fixed) for rule in parts.rules for _, reach, fixed in rule.anchors]
        """What an anchor's number means; those of the decoders follow."""
        self.anchors = parts.anchors
        self._engine = engine
        self._gates = parts.gates
        self._first_gate = len(self.rule_anchors) + len(parts.anchors)

    def hits(self, data: bytes) -> list[tuple[int, int]]:
        """Return (number of the anchor, end) of what rules and decoders want to see, in order of the anchors."""
        return self._parted(data)[0]

    def look(self, data: bytes) -> tuple[list[tuple[int, int]], Mapping[str, list[Gated]]]:
        """Return what `hits` does, and by detector the places of its gates, from one pass."""
        hits, behind = self._parted(data)
        gated: dict[str, list[Gated]] = {}
        for identifier, end in behind:
            place = identifier - self._first_gate
            name = self._gates[place]
            gated.setdefault(name, []).append(Gated(place - self._gates.index(name), end))
        return hits, gated

    def _parted(self, data: bytes) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        hits = self._engine.hits(data)
        if not hits or hits[-1][0] < self._first_gate:
            return hits, []
        at = bisect_left(hits, (self._first_gate, -1))
        return hits[:at], hits[at:]


def make_matcher(build: Callable[[], tuple[Parts, Sequence[bytes]]], signature: str, cache_dir: Path | None) -> Matcher:
    """Return a matcher: from the cache, or built and put there.

    Args:
        build: gives the parts, and the patterns of the decoders' anchors and of the gates.
        signature: says whether a cached one is of the same rules.
        cache_dir: folder of the cache; None keeps nothing.
    """
    layout = ",".join(CompiledRule._fields)
    whole = f"{_FORMAT} {layout} {signature} {sys.version} {_engine_version()} {os.uname().machine} {_cpu_flags()}"
    path = cache_dir / f"matcher-{zlib.crc32(signature.encode()):08x}.bin" if cache_dir else None
    if path is not None and (kept := _read(path, whole)) is not None:
        return kept
    parts, patterns = build()
    database = compile_anchors(
        [anchor.encode() for rule in parts.rules for anchor, _, _ in rule.anchors] + list(patterns)
    )
    if path is not None:
        _write(path, whole, parts, dump(database))
    return Matcher(parts, Engine(database))


def decoder_anchors(
    rules: Sequence[CompiledRule], patterns: Sequence[str]
) -> tuple[tuple[DecoderAnchor, ...], list[bytes]]:
    """Ask every decoder what the heads of the rules' keys look like in its encoding.

    Args:
        rules: their keywords stand in where a pattern has no literal beginning; a vendor's name is told by what follows it.
        patterns: of the rules, without edges.
    """
    from importlib import import_module

    from keysweep.scanner.matching.heads import heads

    wanted: set[bytes] = set()
    for rule, pattern in zip(rules, patterns, strict=True):
        if "(?i" in pattern or _HOST.fullmatch(pattern):
            wanted |= _TELLING
        elif known := heads(pattern):
            wanted |= set(known)
        else:
            words = [word.encode() for word in rule.keywords if len(word) >= 5]
            wanted |= {form for word in words for form in (word, word.upper())}
    short = {head for head in wanted if _TELLS <= len(head) <= _LONGEST_HEAD}
    wanted = {head for head in wanted if not any(other in head and other != head for other in short)}
    anchors: list[DecoderAnchor] = []
    found: list[bytes] = []
    for name in sorted(path.stem for path in _DECODERS.glob("*.py") if path.stem != "__init__"):
        for anchor in import_module(f"keysweep.scanner.decoders.{name}").DECODER.anchors(sorted(wanted)):
            anchors.append(DecoderAnchor(name, anchor.width, anchor.note))
            found.append(anchor.pattern)
    return tuple(anchors), found


def gates() -> tuple[tuple[str, ...], list[bytes]]:
    """Ask every detector beside the rules for its gates; return to whom each belongs, and their patterns."""
    from importlib import import_module

    asked = {
        path.stem: getattr(import_module(f"keysweep.scanner.detectors.{path.stem}"), "GATES", ())
        for path in sorted(_DETECTORS.glob("*.py"))
        if path.stem != "__init__"
    }
    pairs = [(name, pattern) for name, patterns in asked.items() for pattern in patterns]
    return tuple(name for name, _ in pairs), [pattern for _, pattern in pairs]


def _read(path: Path, signature: str) -> Matcher | None:
    """Read a cached matcher; None on any doubt about whose it is or whether it is whole."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077 or not _folder_is_private(path.parent):
            return None
        head, content = file.readline(64).split(), file.read()
    if len(head) != 2 or head[0] != _checksum(content) or not head[1].isdigit():
        return None
    described, dumped = content[: int(head[1])], content[int(head[1]) :]
    kept = json.loads(described)
    database = load(dumped) if kept["signature"] == signature else None
    if database is None:
        return None
    rules = tuple(CompiledRule(*fields) for fields in kept["rules"])
    anchors = tuple(DecoderAnchor(*anchor) for anchor in kept["anchors"])
    return Matcher(Parts(kept["digest"], rules, anchors, tuple(kept["gates"])), Engine(database))


def _checksum(content: bytes) -> bytes:
    """Return what tells damage; the file's owner and mode tell who wrote it."""
    return b"%08x" % zlib.crc32(content)


def _write(path: Path, signature: str, parts: Parts, dumped: bytes) -> None:
    """Put a matcher into the cache in one step; a cache that cannot be written is done without."""
    import tempfile

    described = json.dumps({"signature": signature, **parts._asdict()}).encode()
    content = described + dumped
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _folder_is_private(path.parent):
            return
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(_checksum(content) + b" %d\n" % len(described) + content)
        Path(temporary).replace(path)
    except OSError:
        return


def _folder_is_private(folder: Path) -> bool:
    status = folder.stat()
    return status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o022


def _engine_version() -> str:
    import hyperscan

    return str(hyperscan.__version__)  # type: ignore[attr-defined]  # its stub lacks it


def _cpu_flags() -> str:
    """A compiled database fits one family of processors only."""
    try:
        with Path("/proc/cpuinfo").open("rb") as file:
            text = file.read(8192)
    except OSError:
        return ""
    return next((line.decode("ascii", "replace") for line in text.splitlines() if line[:5] in {b"flags", b"Featu"}), "")
