"""Broken repositories: one corrupt object hides no other, and the gap is on record."""

from __future__ import annotations

from pathlib import Path

import pytest

from keysweep.scanner.coverage import Gap
from keysweep.scanner.sources.git import Git
from tests.scanner.making import key, look
from tests.scanner.repositories import Repo

SECRET = "github-pat"


def line() -> str:
    return f"token={key(SECRET)}\n"


@pytest.mark.parametrize("where", ["loose, its head", "loose, its body", "pack", "index of a pack"])
def test_a_corrupt_object_hides_no_other(where: str, tmp_path: Path) -> None:
    """Everything else is read, and the gap is on record; git itself stops at the first."""
    repo = Repo(tmp_path / "r")
    for number in range(12):
        noise = "".join(f"{number * 7919 + row * 104729:x} " for row in range(600))
        repo.write(**{f"f{number}_txt": noise + "\n"})
    repo.write(m_txt=line())
    repo.commit("All")
    victims = [repo.git("rev-parse", f"HEAD:f{number}.txt") for number in range(4)]
    if "pack" in where:
        repo.git("repack", "--quiet", "-a", "-d")
        pack = next(repo.path.glob(".git/objects/pack/*.pack"))
        offsets = _offsets(repo, pack, victims)
        target = pack.with_suffix(".idx") if "index" in where else pack
        target.chmod(0o644)
        data = bytearray(target.read_bytes())
        for offset in offsets if "index" not in where else [0]:
            data[offset + 600 : offset + 640] = bytes(40) if "index" not in where else data[:40]
        if "index" in where:
            data = bytearray(b"no index")
        target.write_bytes(data)
    else:
        for victim in victims:
            path = repo.loose(victim)
            data = bytearray(path.read_bytes())
            data[600:640] = bytes(40)
            path.write_bytes(b"garbage" if "head" in where else data)
    result = look(Git(repo.path))
    assert not result.coverage.complete
    assert {Gap.CORRUPT, Gap.TRUNCATED} & {skip.reason for skip in result.coverage.skipped}
    if where != "index of a pack":
        assert [finding.rule for finding in result.findings] == [SECRET]


def _offsets(repo: Repo, pack: Path, wanted: list[str]) -> list[int]:
    listed = repo.git("verify-pack", "-v", str(pack.with_suffix(".idx")))
    rows = [row.split() for row in listed.splitlines()]
    return [int(row[4]) for row in rows if row and row[0] in wanted]


def test_more_complaints_than_a_pipe_holds_do_not_hang(tmp_path: Path) -> None:
    """Git writes two lines of error an object; with nobody reading, it would wait for ever."""
    repo = Repo(tmp_path / "r")
    repo.write(**{f"f{number}_txt": f"file {number}\n" for number in range(700)})
    repo.commit("Many")
    key_blob = repo.git("hash-object", "-w", "--stdin", stdin=line().encode())
    for path in (repo.path / ".git/objects").glob("??/*"):
        if path.parent.name + path.name != key_blob:
            path.chmod(0o644)
            path.write_bytes(b"garbage")
    (finding,) = look(Git(repo.path)).findings
    assert finding.rule == SECRET
