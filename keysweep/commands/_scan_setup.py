"""Assemble a scan from its options: sources, readers, detectors, what is known."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from keysweep.commands._behind_gates import low_confidence, masked, unasked
from keysweep.commands._invocation import Invocation
from keysweep.commands._scan_options import ScanOptions
from keysweep.foundation.errors import MissingExtraError, UsageError
from keysweep.foundation.fingerprint import Fingerprinter
from keysweep.foundation.folders import CONFIG_NAME, SHARED_CONFIG_NAME, STORE_NAME, cache_folder, data_folder
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
    from keysweep.rotation.vault.unlock import OpenVault
    from keysweep.rules.ruleset import RuleSet
    from keysweep.scanner.baseline import Baseline
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


def open_if_there(invocation: Invocation) -> OpenVault | None:
    """Open the store if there is one; without one, keys are found but not mapped.

    Raises:
        DeniedError: there is one and it cannot be unlocked.
    """
    if _nothing_is_set(invocation) and not (data_folder() / STORE_NAME).exists():
        return None
    settings = invocation.settings
    if "://" not in settings.store and not Path(settings.store).exists():
        return None
    invocation.configure()
    from keysweep.foundation.database.connect import StoreMissingError
    from keysweep.rotation.vault.unlock import unlock

    try:
        return unlock(settings)
    except StoreMissingError:
        return None


def _nothing_is_set(invocation: Invocation) -> bool:
    """Whether nobody said anything about a store, so that the settings need not be read to know which one is meant."""
    said = invocation.options or any(name.startswith("KEYSWEEP_") for name in os.environ)
    return not said and not Path(CONFIG_NAME).exists() and _says_nothing(Path(SHARED_CONFIG_NAME))


def _says_nothing(shared: Path) -> bool:
    """Whether a file of settings for many programs has none for us; its TOML is parsed only if it may."""
    try:
        return b"keysweep" not in shared.read_bytes()
    except FileNotFoundError:
        return True
    except OSError:
        return False


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
    opened: OpenVault | None, asked: ScanOptions, *, accepted: Baseline | None, verifier: Verifier | None = None
) -> Toolbox:
    """Return what the scan looks with.

    Raises:
        UsageError: no such rule.
        MissingExtraError: OCR was asked for and is not installed.
    """
    selected = _ruleset(asked.rules) if asked.rules else None
    exact_only = asked.profile == "fast" or bool(asked.rules)
    without = unasked(exact_only=exact_only, stored=opened is not None)
    rulebook = Rulebook(selected, cache_dir=cache_folder() / "engine", without=without)
    detectors: list[Detector] = [rulebook]
    readers, with_images = _readers(ocr=asked.ocr, profile=asked.profile)
    if with_images:
        detectors.append(ForImages(lambda: _shapes(selected)))
    if not exact_only:
        detectors += low_confidence(rulebook)
    fingerprinter = opened.fingerprinter if opened else _own_fingerprinter()
    known = opened.known_keys() if opened else NoKnownKeys()
    tools = Toolbox(
        readers=readers,
        detectors=detectors,
        known=known,
        fingerprinter=fingerprinter,
        rules=rulebook.digest,
        recognise=masked(rulebook, known) if opened else lambda _: (),
        verifier=verifier,
    )
    if accepted is None:
        return tools
    return tools._replace(accepted=lambda rule, secret: accepted.accepts(rule, secret) or accepted.meet(rule, secret))


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
    opened: OpenVault | None,
    targets: tuple[str, ...],
    *,
    invocation: Invocation,
    jobs: int = 1,
) -> ScanResult:
    """Scan, and where there is a store keep what was found and say so in the ledger."""
    if jobs > 1:
        from keysweep.scanner.workers import Workers

        begin = opened.database.forget_connections if opened else _nothing
        result = scan(what, tools, look=Workers(jobs, begin))
    else:
        result = scan(what, tools)
    if opened is not None:
        from keysweep.scanner import history

        with opened.database.write() as connection:
            history.record(connection, result, targets, opened.clock())
            opened.ledger.append(
                connection,
                actor=invocation.actor,
                action="scan.finished",
                subject=", ".join(targets)[:200].encode("utf-8", "backslashreplace").decode(),
                detail={
                    "findings": len(result.findings),
                    "mapped": sum(finding.credential is not None for finding in result.findings),
                    "asked": sum(finding.live is not None for finding in result.findings),
                    "files": result.coverage.files,
                    "complete": result.coverage.complete,
                    "rules": result.rules,
                },
            )
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
