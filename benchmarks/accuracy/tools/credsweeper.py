"""CredSweeper with its model, files without a known ending included, and its search inside of encodings switched on."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.accuracy.scoring import Reported
from benchmarks.accuracy.tools import PEERS, Tool, below
from benchmarks.accuracy.tools.providers import provider_of

_PROGRAM = PEERS / "bin" / "credsweeper"


def _version() -> str:
    if not _PROGRAM.exists():
        return ""
    answer = subprocess.run([_PROGRAM, "--version"], capture_output=True, text=True, check=False)
    return (answer.stdout + answer.stderr).split()[-1]


def _scan(folder: Path) -> Sequence[Reported]:
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report.json"
        subprocess.run(
            [_PROGRAM.resolve(), "--path", folder, "--save-json", report, "--no-stdout", "--pedantic", "--depth", "3", "--jobs", "2", "--log", "critical"],
            capture_output=True,
            check=False,
        )  # fmt: skip
        found = json.loads(report.read_text(encoding="utf-8")) if report.exists() else []
    return [
        Reported(
            path=below(line["path"].partition("|")[0], folder),
            value=line["value"],
            provider=provider_of(one["rule"]),
            rule=one["rule"],
        )
        for one in found
        for line in one["line_data_list"]
    ]


TOOL = Tool(name="CredSweeper", version=_version, scan=_scan, print_of=lambda value: value, sampled=7)
