"""What the scanner's tests are made of: generated keys, segments, a detector with every rule, and whole scans."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from keysweep.foundation.fingerprint import Fingerprinter
from keysweep.rules.model import Rule
from keysweep.rules.ruleset import RuleSet, load_ruleset
from keysweep.rules.samples import expand
from keysweep.scanner.detectors.rulebook import Rulebook
from keysweep.scanner.finding import Blob, FileOrigin, Segment, StreamOrigin
from keysweep.scanner.known import NoKnownKeys
from keysweep.scanner.pipeline import ScanResult, Toolbox, scan
from keysweep.scanner.readers.plain import READER as PLAIN
from keysweep.scanner.sources import Source
from keysweep.scanner.sources.files import Files


@dataclass(frozen=True)
class Example:
    """Text that a rule must find, and the key in it."""

    rule: Rule
    text: bytes
    key: bytes

    @property
    def start(self) -> int:
        return self.text.index(self.key)


@cache
def ruleset() -> RuleSet:
    return load_ruleset()


@cache
def rulebook() -> Rulebook:
    return Rulebook(ruleset(), cache_dir=None)


def example(rule: Rule | str, *, seed: int = 0, template: int = 0) -> Example:
    """Return a generated example; the key in it is told from the rule's own pattern, not by the detector."""
    rule = ruleset().by_id[rule] if isinstance(rule, str) else rule
    text = expand(rule.examples[template % len(rule.examples)], random.Random(seed))
    shape = re.compile(rule.pair or rule.pattern)
    if rule.pair:
        public = re.search(rule.pattern, text)
        assert public is not None, f"{rule.id}: an example has no public half"
        whole = next(
            (m for m in re.finditer(rf"(?:{rule.pair})(?![{rule.pair_alphabet}])", text) if _apart(m, public)), None
        )
    else:
        whole = shape.search(text) if "secret" in shape.groupindex else shape.fullmatch(text)
    assert whole is not None, f"{rule.id}: an example is not of the rule's own shape"
    return Example(rule=rule, text=text.encode(), key=whole["secret" if "secret" in shape.groupindex else 0].encode())


def _apart(half: re.Match[str], other: re.Match[str]) -> bool:
    begin, end = half.span("secret" if "secret" in half.re.groupindex else 0)
    return end <= other.start() or begin >= other.end()


def key(rule: str, *, seed: int = 0) -> str:
    """Return a generated key of a rule, without what its example has around it."""
    return example(rule, seed=seed).key.decode()


def segment(data: bytes, **changes: object) -> Segment:
    return Segment(origin=StreamOrigin(), data=data)._replace(**changes)


def found(data: bytes) -> list[tuple[str, bytes]]:
    """Return (rule, text of the span) of what the rulebook finds, in order."""
    return [(match.rule, data[match.start : match.end]) for match in rulebook().find(segment(data))]


def toolbox(**changes: object) -> Toolbox:
    """Return tools with every rule, the plain reader, a fixed fingerprint key and no inventory."""
    tools = Toolbox(
        readers=(PLAIN,),
        detectors=(rulebook(),),
        known=NoKnownKeys(),
        fingerprinter=Fingerprinter(b"k" * 32),
        rules=ruleset().digest,
    )
    return tools._replace(**changes)


def look(*sources: Source, **changes: object) -> ScanResult:
    """Scan sources with `toolbox`."""
    return scan(sources, toolbox(**changes))


def look_at(path: Path, **changes: object) -> ScanResult:
    return look(Files(path), **changes)


def blob(data: bytes, name: str = "sample.txt") -> Blob:
    return Blob(origin=FileOrigin(path=name), size=len(data), open=lambda: BytesIO(data))


@dataclass(frozen=True)
class Blobs:
    """A source that has what it is given: the fake of the Source seam."""

    given: Sequence[Blob]

    def blobs(self, log: object) -> Sequence[Blob]:
        return iter(self.given)


def forms_of(secret: str) -> dict[str, bytes]:
    """Return the ways in which a key could stand in an artefact without being readable at first sight."""
    import base64
    from urllib.parse import quote

    raw = secret.encode()
    url = "".join(f"%{byte:02X}" for byte in raw)
    forms: dict[str, bytes] = {
        "raw": raw,
        "reversed": raw[::-1],
        "hex": raw.hex().encode(),
        "upper-case hex": raw.hex().upper().encode(),
        "URL": quote(secret, safe="").encode(),
        "URL, every character": url.encode(),
        "UTF-16 little": secret.encode("utf-16-le"),
        "UTF-16 big": secret.encode("utf-16-be"),
    }
    for shift in range(3):
        # The first and last groups depend on the neighbours; the middle is the same wherever the key stands.
        coded = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")
        forms[f"base64 at {shift}"] = coded[4:-4]
        forms[f"base64url at {shift}"] = coded[4:-4].replace(b"+", b"-").replace(b"/", b"_")
    return forms


def assert_absent(secret: str, artefact: bytes, where: str) -> None:
    """Fail if an artefact holds a key in any form, or a quarter of it in a row."""
    for form, value in forms_of(secret).items():
        assert value not in artefact, f"{where} holds the key ({form})"
    body = secret.encode()[len(secret) // 3 :]
    run = body[: max(len(body) // 2, 12)]
    assert run not in artefact, f"{where} holds a part of the key"
