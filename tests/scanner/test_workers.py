"""Several processes give what one gives, and a process that dies is a gap, never a clean result."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from keysweep.scanner.coverage import Gap
from keysweep.scanner.finding import Segment
from keysweep.scanner.pipeline import ScanResult, scan
from keysweep.scanner.sources.files import Files
from keysweep.scanner.workers import Workers
from tests.scanner.making import Blobs, blob, example, key, ruleset, toolbox


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with a key in every third file, one key twice, one file suppressed, and a gap."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for number, rule in enumerate(ruleset().rules[:30]):
        folder = tree / f"d{number % 4}"
        folder.mkdir(exist_ok=True)
        text = example(rule, seed=number).text if number % 3 == 0 else b"nothing here\n"
        (folder / f"f{number}.txt").write_bytes(text + b"\n")
    (tree / "twice.txt").write_text(key("github-pat", seed=8) + "\n")
    (tree / "again.txt").write_text(key("github-pat", seed=8) + "\n")
    (tree / "quiet.txt").write_text(key("npm-access-token", seed=8) + "  # keysweep: ignore\n")
    os.mkfifo(tree / "pipe")
    return tree


def scanned(tree: Path, count: int, **changes: object) -> ScanResult:
    return scan([Files(tree)], toolbox(**changes), look=Workers(count))


@pytest.mark.parametrize("count", [2, 3, 7])
def test_the_result_is_the_same_however_many_work(tree: Path, count: int) -> None:
    """Findings, places, suppressed ones, what was read and what was not."""
    alone, together = scanned(tree, 1), scanned(tree, count)
    assert len(alone.findings) > 8
    assert together.findings == alone.findings
    assert together.suppressed == alone.suppressed == 1
    assert together.coverage == alone.coverage
    assert [skip.reason for skip in together.coverage.skipped] == [Gap.NOT_A_FILE]


def test_a_process_that_dies_is_a_gap(tree: Path) -> None:
    """What the others found stays."""

    class Deadly:
        def find(self, segment: Segment) -> tuple[()]:
            if b"nothing" in segment.data:
                os.kill(os.getpid(), 9)
            return ()

    whole = scanned(tree, 1)
    result = scanned(tree, 40, detectors=(*toolbox().detectors, Deadly()))
    assert Gap.WORKER_FAILED in {skip.reason for skip in result.coverage.skipped}
    assert 0 < len(result.findings) <= len(whole.findings)


def test_each_process_begins_on_its_own(tree: Path, tmp_path: Path) -> None:
    """The parent's connections are let go of in every child, and never in the parent."""
    mark = tmp_path.parent / f"{tmp_path.name}.begun"
    parent = os.getpid()

    def begin() -> None:
        with mark.open("a") as file:
            file.write(f"{os.getpid()}\n")

    scan([Files(tree)], toolbox(), look=Workers(3, begin))
    begun = set(mark.read_text().split())
    assert len(begun) == 3
    assert str(parent) not in begun


def test_a_source_that_cannot_be_shared_is_looked_through_alone() -> None:
    """Standard input has no shares."""
    result = scan([Blobs((blob(key("github-pat").encode()),))], toolbox(), look=Workers(4))
    assert len(result.findings) == 1
