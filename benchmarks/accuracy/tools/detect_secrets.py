"""detect-secrets, every plugin and filter as it comes, verification off; it reports a SHA-1 in place of the value."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.accuracy.scoring import Reported
from benchmarks.accuracy.tools import PEERS, Tool, below
from benchmarks.accuracy.tools.providers import provider_of

_PROGRAM = PEERS / "bin" / "detect-secrets"


def _version() -> str:
    if not _PROGRAM.exists():
        return ""
    return subprocess.run([_PROGRAM, "--version"], capture_output=True, text=True, check=False).stdout.strip()


def _scan(folder: Path) -> Sequence[Reported]:
    answer = subprocess.run(
        [_PROGRAM.resolve(), "scan", "--all-files", "--no-verify", "."],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    return [
        Reported(
            path=below(str(folder / path), folder),
            value=one["hashed_secret"],
            provider=provider_of(one["type"]),
            rule=one["type"],
        )
        for path, found in json.loads(answer.stdout)["results"].items()
        for one in found
    ]


def _print(value: str) -> str:
    return hashlib.sha1(value.encode(), usedforsecurity=False).hexdigest()


TOOL = Tool(name="detect-secrets", version=_version, scan=_scan, print_of=_print, sampled=7)
