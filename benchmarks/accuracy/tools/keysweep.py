"""keysweep itself, with what `keysweep scan` looks with; a fingerprint under a known key tells the exact value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.accuracy.scoring import Reported
from benchmarks.accuracy.tools import Tool, below
from keysweep.commands._scan_options import ScanOptions
from keysweep.commands._scan_setup import toolbox
from keysweep.foundation.fingerprint import Fingerprinter
from keysweep.scanner.pipeline import scan
from keysweep.scanner.sources.files import Files
from keysweep.version import VERSION

_FINGERPRINTER = Fingerprinter(b"accuracy" * 4)


def _scan(folder: Path) -> Sequence[Reported]:
    tools = toolbox(None, ScanOptions(ocr=False), accepted=None)
    result = scan([Files(folder)], tools._replace(fingerprinter=_FINGERPRINTER))
    return [
        Reported(
            path=below(place.path, folder),
            value=str(finding.fingerprint),
            provider=finding.provider,
            rule=finding.rule,
        )
        for finding in result.findings
        for place in finding.occurrences
    ]


def _print(value: str) -> str:
    return str(_FINGERPRINTER.of_bytes(value.encode()))


TOOL = Tool(name="keysweep", version=lambda: VERSION, scan=_scan, print_of=_print)
