"""The import law holds, and each of its contracts would notice: one violation is planted in a copy, and reported."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.fakes.program import ROOT

VIOLATIONS = {
    "Imports point left": ("foundation/clock.py", "import keysweep.rules.model"),
    "A report cannot reach plaintext": ("reports/phrases.py", "import keysweep.rotation.vault.store"),
    "Only commands know click": ("scanner/place.py", "import click"),
    "Only the web knows a web framework": ("commands/doctor.py", "import fastapi"),
    "Data frames, templates and PDF stay in reports": ("rotation/listing.py", "import pandas"),
    "The scanner opens no socket": ("scanner/place.py", "import socket"),
    "Layers inside rotation": ("rotation/credential.py", "import keysweep.rotation.engine.steps"),
    "Plug-ins do not know each other": ("scanner/sources/files.py", "import keysweep.scanner.sources.stdin"),
    "Few may hold plaintext": ("rotation/listing.py", "import keysweep.foundation.secret"),
}
"""For each contract a file and the import that breaks this contract and no other."""

pytestmark = pytest.mark.xdist_group("import-contracts")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, links followed, and of the contracts."""
    folder = tmp_path_factory.mktemp("contracts")
    shutil.copytree(ROOT / "keysweep", folder / "keysweep", ignore=shutil.ignore_patterns("__pycache__", "assets"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def judge(checkout: Path) -> dict[str, str]:
    """Run import-linter and return KEPT or BROKEN for each contract."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=checkout, capture_output=True, text=True, check=False, timeout=120, env={"PATH": ""}
    )
    verdicts = {}
    for line in done.stdout.splitlines():
        name, _, verdict = line.strip().rpartition(" ")
        if verdict in {"KEPT", "BROKEN"}:
            verdicts[name] = verdict
    assert (done.returncode == 0) == ("BROKEN" not in verdicts.values()), done.stdout + done.stderr
    return verdicts


def test_every_contract_has_a_violation_here() -> None:
    """A new contract needs a row in the table."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert list(VIOLATIONS) == [contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]]


def test_the_law_holds(checkout: Path) -> None:
    """Every contract is kept."""
    assert judge(checkout) == dict.fromkeys(VIOLATIONS, "KEPT")


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_violation_breaks_its_contract(checkout: Path, contract: str) -> None:
    """And no other one."""
    name, statement = VIOLATIONS[contract]
    path = checkout / "keysweep" / name
    before = path.read_text(encoding="utf-8")
    path.write_text(f"{before}\n{statement}\n", encoding="utf-8")
    try:
        found = judge(checkout)
    finally:
        path.write_text(before, encoding="utf-8")
    assert found == {other: "BROKEN" if other == contract else "KEPT" for other in VIOLATIONS}
