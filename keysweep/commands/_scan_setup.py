"""Assemble a scan from its options: sources, readers, detectors, what is known."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from keysweep.commands._behind_gates import low_confidence, stored, unasked, whole
from keysweep.commands._invocation import Invocation
from keysweep.commands._scan_options import ScanOptions
from keysweep.commands._scan_store import in_full, record
from keysweep.foundation.errors import MissingExtraError, UsageError
from keysweep.foundation.fingerprint import Fingerprinter
from keysweep.foundation.folders import cache_folder, data_folder
from keysweep.scanner import output
from keysweep.scanner.detectors import Detector
from keysweep.scanner.detectors.rulebook import Rulebook
from keysweep.scanner.known import NoKnownKeys
from keysweep.scanner.on_demand import ForImages, archives, databases, images
from keysweep.scanner.pipeline import ScanResult, Toolbox, scan
from keysweep.scanner.private_key import private_key
from keysweep.scanner.readers import Reader
from keysweep.scanner.readers.plain import READER as PLAIN
from keysweep.scanner.sources import Source
from keysweep.scanner.sources.files import Files

if TYPE_CHECKING:
    from keysweep.foundation.fingerprint import Fingerprints
    from keysweep.rotation.daemon.asking import Resident
    from keysweep.rotation.vault.match_only import OpenMatch
    from keysweep.rotation.vault.unlock import OpenVault
    from keysweep.rules.ruleset import RuleSet
    from keysweep.scanner.baseline import Baseline
    from keysweep.scanner.finding import Segment
    from keysweep.scanner.known import KnownKeys, Resemblance
    from keysweep.scanner.live import Verifier

_GIT = "git:"


def output_forms(outputs: tuple[str, ...]) -> tuple[tuple[str, Path | None], ...]:
    """Read `FORMAT[=FILE]`; text to standard output if none is asked for.

    Raises:
        UsageError: no such format.
    """
    forms = []
    for wanted in outputs or ("text",):
        name, _, file = wanted.partition("=")
        output.get(name)
        forms.append((name, Path(file) if file and file != "-" else None))
    return tuple(forms)


def sources(asked: ScanOptions) -> tuple[Source, ...]:
    """Return what the targets mean.

    Raises:
        UsageError: a target does not exist.
    """
    targets = asked.targets or (".",)
    if asked.staged:
        from keysweep.scanner.sources.git import Staged

        return tuple(Staged(_existing(target.removeprefix(_GIT))) for target in targets)
    found: list[Source] = []
    for target in targets:
        if target == "-":
            from keysweep.scanner.sources.stdin import Stdin

            found.append(Stdin(sys.stdin.buffer))
        elif target.startswith(_GIT) or asked.revisions:
            from keysweep.scanner.sources.git import Git

            found.append(Git(_existing(target.removeprefix(_GIT) or "."), revisions=asked.revisions))
        else:
            largest = asked.max_size << 20 if asked.max_size else None
            found.append(Files(_existing(target), exclude=asked.exclude, largest=largest))
    return tuple(found)


def baseline(given: Path | None, written: Path | None) -> Baseline | None:
    """Return the baseline to use: the given one, or a fresh one that will be written."""
    if given is None and written is None:
        return None
    from keysweep.scanner.baseline import new_baseline, read_baseline

    if given is not None:
        return read_baseline(given)
    return new_baseline()


def write(path: Path, text: str) -> None:
    """Write a file that the user named.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}"
        raise UsageError(msg) from error


def toolbox(
    opened: OpenVault | OpenMatch | Resident | None,
    asked: ScanOptions,
    *,
    accepted: Baseline | None,
    verifier: Verifier | None = None,
) -> Toolbox:
    """Return what the scan looks with.

    Raises:
        UsageError: no such rule.
        MissingExtraError: OCR was asked for and is not installed.
    """
    selected = _ruleset(asked.rules) if asked.rules else None
    exact_only = asked.profile == "fast" or bool(asked.rules)
    vault = in_full(opened)
    without = unasked(exact_only=exact_only, stored=vault is not None)
    rulebook = Rulebook(selected, cache_dir=cache_folder() / "engine", without=without)
    detectors: list[Detector] = [rulebook]
    readers, with_images = _readers(ocr=asked.ocr, profile=asked.profile)
    if with_images:
        detectors.append(ForImages(lambda: _shapes(selected)))
    if not exact_only:
        detectors += low_confidence(rulebook)
    fingerprinter: Fingerprints = opened.fingerprinter if opened else _own_fingerprinter()
    known: KnownKeys = opened.known_keys() if opened else NoKnownKeys()
    tools = Toolbox(
        readers=readers,
        detectors=detectors,
        known=known,
        fingerprinter=fingerprinter,
        rules=rulebook.digest,
        recognise=_recogniser(opened, rulebook, known, fingerprinter),
        verifier=verifier,
    )
    if accepted is None:
        return tools
    return tools._replace(accepted=lambda rule, secret: accepted.accepts(rule, secret) or accepted.meet(rule, secret))


def _recogniser(
    opened: OpenVault | OpenMatch | Resident | None, rulebook: Rulebook, known: KnownKeys, fingerprinter: Fingerprints
) -> Callable[[Segment], Sequence[Resemblance]]:
    """Return what finds stored keys that no rule does: masked ones only where the store is open here, none without a store."""
    if opened is None:
        return lambda _: ()
    return stored(rulebook, known, fingerprinter) if in_full(opened) else whole(known, fingerprinter)


def verifier(invocation: Invocation) -> Verifier:
    """Return what asks vendors whether keys work.

    Raises:
        MissingExtraError: the HTTP client is not installed.
    """
    from keysweep.rotation.verify import LiveCheck

    invocation.configure()
    return LiveCheck(invocation.settings.providers)


def run(
    what: Sequence[Source],
    tools: Toolbox,
    opened: OpenVault | OpenMatch | Resident | None,
    targets: tuple[str, ...],
    *,
    invocation: Invocation,
    jobs: int = 1,
) -> ScanResult:
    """Scan, and where there is a store keep what was found and say so in the ledger."""
    if jobs > 1:
        from keysweep.scanner.workers import Workers

        database = opened.database if opened else None
        result = scan(what, tools, look=Workers(jobs, database.forget_connections if database else _nothing))
    else:
        result = scan(what, tools)
    if opened is not None:
        record(opened, result, targets, actor=invocation.actor)
    return result


def _readers(*, ocr: bool | None, profile: str) -> tuple[tuple[Reader, ...], bool]:
    """Return the readers, and whether images are read; an image that is not is a gap, never silently skipped."""
    wanted = ocr is not False and (bool(ocr) or profile != "fast")
    if ocr:
        _require_engine()
    pictures = () if ocr is False else (images(lambda: _image_reader(wanted=wanted)),)
    inner = (*pictures, databases(PLAIN), PLAIN)
    return (archives(inner), *inner), wanted


@cache
def _image_reader(*, wanted: bool) -> Reader:
    from keysweep.scanner.ocr.tesseract import find_engine
    from keysweep.scanner.readers.image import image_reader

    return image_reader(find_engine() if wanted and _pillow_is_here() else None)


def _require_engine() -> None:
    from keysweep.scanner.ocr.tesseract import find_engine

    if not _pillow_is_here():
        raise MissingExtraError(feature="reading images", extra="ocr")
    if find_engine() is None:
        msg = "no OCR engine is installed"
        raise UsageError(msg, hint="install tesseract, or scan with --no-ocr")


def _pillow_is_here() -> bool:
    import importlib.util

    return importlib.util.find_spec("PIL") is not None


def _ruleset(wanted: tuple[str, ...] = ()) -> RuleSet:
    from keysweep.rules.ruleset import load_ruleset

    return load_ruleset().select(wanted)


def _shapes(selected: RuleSet | None) -> Detector:
    from keysweep.scanner.ocr.shapes import OcrShapes

    return OcrShapes(selected or _ruleset())


def _own_fingerprinter() -> Fingerprinter:
    key, lasting = private_key(data_folder())
    if not lasting:
        sys.stderr.write("Note: no private folder to keep a key in; ids of findings will differ in the next run.\n")
    return Fingerprinter(key)


def _nothing() -> None:
    """A process without a store inherits nothing that matters."""


def _existing(target: str) -> Path:
    path = Path(target)
    if not path.exists():
        msg = f"there is no {target}"
        raise UsageError(msg)
    return path
