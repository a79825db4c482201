"""Assemble a scan from its options: sources, readers, detectors, what is known."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import platformdirs

from keysweep.commands._invocation import Invocation
from keysweep.foundation.errors import MissingExtraError, UsageError
from keysweep.foundation.fingerprint import Fingerprinter
from keysweep.rules.ruleset import load_ruleset
from keysweep.scanner import output
from keysweep.scanner.baseline import Baseline, new_baseline, read_baseline
from keysweep.scanner.detectors import Detector
from keysweep.scanner.detectors.rulebook import Rulebook
from keysweep.scanner.known import NoKnownKeys
from keysweep.scanner.pipeline import ScanResult, Toolbox, scan
from keysweep.scanner.private_key import private_key
from keysweep.scanner.readers import Reader
from keysweep.scanner.readers.image import image_reader
from keysweep.scanner.readers.plain import READER as PLAIN
from keysweep.scanner.sources import Source
from keysweep.scanner.sources.files import Files
from keysweep.scanner.sources.stdin import Stdin

if TYPE_CHECKING:
    from keysweep.rotation.vault.unlock import OpenVault

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


def sources(
    targets: tuple[str, ...], *, staged: bool, revisions: str | None, exclude: tuple[str, ...], max_size: int | None
) -> tuple[Source, ...]:
    """Return what the targets mean.

    Raises:
        UsageError: a target does not exist.
    """
    from keysweep.scanner.sources.git import Git, Staged

    if staged:
        return tuple(Staged(_existing(target.removeprefix(_GIT))) for target in targets or (".",))
    found: list[Source] = []
    for target in targets or (".",):
        if target == "-":
            found.append(Stdin(sys.stdin.buffer))
        elif target.startswith(_GIT) or revisions:
            found.append(Git(_existing(target.removeprefix(_GIT) or "."), revisions=revisions))
        else:
            largest = max_size << 20 if max_size else None
            found.append(Files(_existing(target), exclude=exclude, largest=largest))
    return tuple(found)


def open_if_there(invocation: Invocation) -> OpenVault | None:
    """Open the store if there is one; without one, keys are found but not mapped.

    Raises:
        DeniedError: there is one and it cannot be unlocked.
    """
    settings = invocation.settings
    if "://" not in settings.store and not Path(settings.store).exists():
        return None
    from keysweep.foundation.database.connect import StoreMissingError
    from keysweep.rotation.vault.unlock import unlock

    try:
        return unlock(settings)
    except StoreMissingError:
        return None


def baseline(given: Path | None, written: Path | None) -> Baseline | None:
    """Return the baseline to use: the given one, or a fresh one that will be written."""
    if given is not None:
        return read_baseline(given)
    return new_baseline() if written is not None else None


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
    opened: OpenVault | None, *, rules: tuple[str, ...], ocr: bool | None, profile: str, accepted: Baseline | None
) -> Toolbox:
    """Return what the scan looks with.

    Raises:
        UsageError: no such rule.
        MissingExtraError: OCR was asked for and is not installed.
    """
    ruleset = load_ruleset().select(rules)
    cache = platformdirs.user_cache_path("keysweep") / "engine"
    detectors: list[Detector] = [Rulebook(ruleset, cache_dir=cache)]
    readers, with_images = _readers(ocr=ocr, profile=profile)
    if with_images:
        from keysweep.scanner.ocr.shapes import OcrShapes

        detectors.append(OcrShapes(ruleset))
    if profile == "deep":
        from keysweep.scanner.detectors.detect_secrets import SecondOpinion

        detectors.append(SecondOpinion())
    fingerprinter = opened.fingerprinter if opened else _own_fingerprinter()
    tools = Toolbox(
        readers=readers,
        detectors=detectors,
        known=opened.known_keys() if opened else NoKnownKeys(),
        fingerprinter=fingerprinter,
        rules=ruleset.digest,
    )
    if accepted is None:
        return tools
    from dataclasses import replace

    return replace(tools, accepted=lambda rule, secret: accepted.accepts(rule, secret) or accepted.meet(rule, secret))


def run(
    what: Sequence[Source], tools: Toolbox, opened: OpenVault | None, targets: tuple[str, ...], *, actor: str
) -> ScanResult:
    """Scan, and where there is a store keep what was found and say so in the ledger."""
    result = scan(what, tools)
    if opened is not None:
        from keysweep.scanner import history

        with opened.database.write() as connection:
            history.record(connection, result, targets, opened.clock())
            opened.ledger.append(
                connection,
                actor=actor,
                action="scan.finished",
                subject=", ".join(targets)[:200].encode("utf-8", "backslashreplace").decode(),
                detail={
                    "findings": len(result.findings),
                    "mapped": sum(finding.credential is not None for finding in result.findings),
                    "files": result.coverage.files,
                    "complete": result.coverage.complete,
                    "rules": result.rules,
                },
            )
    return result


def _readers(*, ocr: bool | None, profile: str) -> tuple[tuple[Reader, ...], bool]:
    """Return the readers, and whether images are read; an image that is not is a gap, never silently skipped."""
    import importlib.util

    from keysweep.scanner.ocr.tesseract import find_engine

    installed = importlib.util.find_spec("PIL") is not None
    engine = find_engine() if installed and ocr is not False and (ocr or profile != "fast") else None
    if ocr and engine is None:
        if not installed:
            raise MissingExtraError(feature="reading images", extra="ocr")
        msg = "no OCR engine is installed"
        raise UsageError(msg, hint="install tesseract, or scan with --no-ocr")
    if ocr is False:
        return (PLAIN,), False
    return (image_reader(engine), PLAIN), engine is not None


def _own_fingerprinter() -> Fingerprinter:
    key, lasting = private_key(platformdirs.user_data_path("keysweep"))
    if not lasting:
        click.echo("Note: no private folder to keep a key in; ids of findings will differ in the next run.", err=True)
    return Fingerprinter(key)


def _existing(target: str) -> Path:
    path = Path(target)
    if not path.exists():
        msg = f"there is no {target}"
        raise UsageError(msg)
    return path
