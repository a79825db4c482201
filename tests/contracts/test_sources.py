"""Every source: lazy, in a fixed order, and one bad item never ends the run."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keysweep.scanner import sources
from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.finding import name_of
from keysweep.scanner.sources import Source
from keysweep.scanner.sources.files import Files
from keysweep.scanner.sources.git import Git, Staged
from keysweep.scanner.sources.stdin import Stdin
from tests.scanner.making import Blobs, blob, key, look
from tests.scanner.repositories import Repo

FOLDER = Path(sources.__file__).parent


@dataclass(frozen=True)
class Case:
    """How to make one kind of source, good and spoilt."""

    module: str
    make: Callable[[Path, str], Source]
    """Return a source in an empty folder that holds the given key once."""
    spoil: Callable[[Path], None] | None
    """Break one item that is not the one with the key; None where there is only one item."""
    gap: Gap | None = None


def _files(folder: Path, text: str) -> Source:
    (folder / "a.txt").write_text("first\n")
    (folder / "m.txt").write_text(f"token={text}\n")
    (folder / "z.txt").write_text("last\n")
    return Files(folder)


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "b.txt")


def _git(folder: Path, text: str) -> Source:
    repo = Repo(folder)
    repo.commit(a_txt="first\n" * 99)
    repo.commit(m_txt=f"token={text}\n")
    return Git(folder)


def _corrupt(folder: Path) -> None:
    git = folder / ".git"
    victim = max(git.glob("objects/??/*"), key=lambda path: (path.stat().st_size, path.name))
    victim.chmod(0o644)
    victim.write_bytes(b"this is no object")


def _staged(folder: Path, text: str) -> Source:
    repo = Repo(folder)
    repo.commit(a_txt="first\n")
    repo.write(m_txt=f"token={text}\n", n_txt="third\n" * 99)
    repo.git("add", "--all")
    return Staged(folder)


def _remove_staged(folder: Path) -> None:
    repo = Repo(folder)
    repo.loose(repo.git("rev-parse", ":n.txt")).unlink()


CASES = [
    Case("files", _files, _fifo, Gap.NOT_A_FILE),
    Case("git", _git, _corrupt, Gap.CORRUPT),
    Case("git", _staged, _remove_staged, Gap.CORRUPT),
    Case("stdin", lambda _folder, text: Stdin(io.BytesIO(f"token={text}\n".encode())), None),
]
EVERY = [pytest.param(case, id=case.make.__name__.strip("_<>")) for case in CASES]


def names(source: Source) -> list[str]:
    return [name_of(item.origin) for item in source.blobs(CoverageLog())]


def test_every_source_is_under_contract() -> None:
    """A new file in the folder must be added here."""
    assert {path.stem for path in FOLDER.glob("*.py")} - {"__init__"} == {case.module for case in CASES}


@pytest.mark.parametrize("case", EVERY)
def test_a_key_is_found(case: Case, tmp_path: Path) -> None:
    """What lies in the source comes out, and what was read is counted."""
    folder = tmp_path / "target"
    folder.mkdir()
    result = look(case.make(folder, key("github-pat")))
    assert [finding.rule for finding in result.findings] == ["github-pat"]
    assert result.coverage.files >= 1
    assert result.coverage.bytes > 40


@pytest.mark.parametrize("case", EVERY)
def test_a_source_is_lazy(case: Case, tmp_path: Path) -> None:
    """Asking for blobs reads nothing; they come one at a time."""
    folder = tmp_path / "target"
    folder.mkdir()
    log = CoverageLog()
    blobs = case.make(folder, key("github-pat")).blobs(log)
    assert isinstance(blobs, Iterator)
    next(blobs)
    assert log.close().files == 0
    if hasattr(blobs, "close"):
        blobs.close()


@pytest.mark.parametrize("case", [case for case in EVERY if "lambda" not in str(case.id)])
def test_the_order_is_fixed(case: Case, tmp_path: Path) -> None:
    """The same input gives the same order: results do not depend on luck."""
    folder = tmp_path / "target"
    folder.mkdir()
    source = case.make(folder, key("github-pat"))
    assert names(source) == names(source)


@pytest.mark.parametrize("case", [pytest.param(c, id=c.make.__name__.strip("_")) for c in CASES if c.spoil])
def test_one_bad_item_never_ends_the_run(case: Case, tmp_path: Path) -> None:
    """The key in another item is found all the same, and the bad one is on record."""
    folder = tmp_path / "target"
    folder.mkdir()
    source = case.make(folder, key("github-pat"))
    assert case.spoil is not None
    case.spoil(folder)
    result = look(source)
    assert [finding.rule for finding in result.findings] == ["github-pat"]
    assert case.gap in {skip.reason for skip in result.coverage.skipped}
    assert not result.coverage.complete


def test_a_blob_that_cannot_be_opened_is_a_gap() -> None:
    """A file may go away between its listing and its reading."""

    def gone() -> io.BytesIO:
        raise FileNotFoundError

    good = blob(f"token={key('github-pat')}".encode(), "good.txt")
    result = look(Blobs((good._replace(origin=blob(b"", "gone.txt").origin, open=gone), good)))
    assert [finding.rule for finding in result.findings] == ["github-pat"]
    assert [(skip.path, skip.reason) for skip in result.coverage.skipped] == [("gone.txt", Gap.UNREADABLE)]
