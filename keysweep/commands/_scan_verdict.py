"""From the result of a scan to outputs and an exit code."""

from __future__ import annotations

import sys
from pathlib import Path

from keysweep.commands._scan_setup import write
from keysweep.foundation.errors import ExitCode, UsageError
from keysweep.rules.model import Severity
from keysweep.scanner import output
from keysweep.scanner.finding import Finding
from keysweep.scanner.known import KnownState
from keysweep.scanner.output import Look
from keysweep.scanner.pipeline import ScanResult


def emit(result: ScanResult, forms: tuple[tuple[str, Path | None], ...], *, color: bool | None) -> None:
    """Write each output: to its file, or to standard output.

    Raises:
        UsageError: a file cannot be written.
    """
    for name, path in forms:
        painted = path is None and (sys.stdout.isatty() if color is None else color)
        columns = _columns() if path is None and name == "text" else 80
        look = Look(color=painted, columns=columns)
        text = output.get(name).render(result, look)
        if path is None:
            _print(text)
        else:
            write(path, text)


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # the reader had enough: for whoever ends the process
    except OSError as error:
        msg = f"cannot write to standard output: {error.strerror}"
        raise UsageError(msg) from error


def _columns() -> int:
    import shutil

    return min(shutil.get_terminal_size().columns, 140)


def verdict(result: ScanResult, *, fail_on: str, strict: bool) -> ExitCode:
    """Return the exit code; findings win over what was not read.  A stored key that is masked or only named by its id is no leak."""
    if any(_counts(finding, fail_on) for finding in result.findings):
        return ExitCode.FINDINGS
    if result.coverage.nothing or (strict and not result.coverage.complete):
        return ExitCode.INCOMPLETE
    return ExitCode.DONE


def _counts(finding: Finding, fail_on: str) -> bool:
    match fail_on:
        case "any":
            return finding.severity is not Severity.INFO
        case "high":
            return finding.severity.rank >= Severity.HIGH.rank
        case "mapped":
            known = finding.credential
            return known is not None and known.state is not KnownState.RETIRED and finding.severity is not Severity.INFO
        case _:
            return False
