"""Kingfisher (`kingfisher-bin` on PyPI), validation off."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.accuracy.scoring import Reported
from benchmarks.accuracy.tools import PEERS, Tool, below
from benchmarks.accuracy.tools.providers import provider_of

_PROGRAM = PEERS / "bin" / "kingfisher"


def _version() -> str:
    if not _PROGRAM.exists():
        return ""
    answer = subprocess.run([_PROGRAM, "--version"], capture_output=True, text=True, check=False)
    return answer.stdout.split()[-1]


def _scan(folder: Path) -> Sequence[Reported]:
    options = ["--no-validate", "--format", "json", "--quiet", "--no-update-check", "--no-dedup"]
    answer = subprocess.run(
        [_PROGRAM.resolve(), "scan", str(folder), *options], capture_output=True, text=True, check=False
    )
    start = answer.stdout.find("{")
    report = json.loads(answer.stdout[start:])
    return [
        Reported(
            path=below(one["finding"]["path"], folder),
            value=one["finding"]["snippet"],
            provider=provider_of(one["rule"]["id"]),
            rule=one["rule"]["id"],
        )
        for one in report["findings"]
    ]


TOOL = Tool(name="Kingfisher", version=_version, scan=_scan, print_of=lambda value: value)
