"""A hostile repository runs nothing and reaches nothing: no configuration, hook, filter, alternate or lazy fetch is obeyed."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.shadow import shadow_of
from keysweep.scanner.sources import Source
from keysweep.scanner.sources.git import Git, Staged
from tests.scanner.making import key, look
from tests.scanner.repositories import Repo

HOOKS = ("post-index-change", "post-checkout", "pre-commit", "reference-transaction", "fsmonitor-watchman")


@pytest.fixture
def trap(tmp_path: Path) -> tuple[Repo, Path]:
    """Return a repository whose every setting runs a program that leaves a canary, and the canary's path."""
    canary = tmp_path / "canary"
    payload = tmp_path / "payload"
    payload.write_text(f'#!/bin/sh\necho "$0 $*" >> {canary}\ncat 2>/dev/null\n')
    payload.chmod(0o755)
    repo = Repo(tmp_path / "r")
    repo.commit(a_txt="one\n", b_bin="x\n")
    repo.commit(a_txt=f"token={key('github-pat')}\n", b_bin="y\n")
    repo.write(a_txt=f"token={key('github-pat', seed=1)}\n")
    repo.git("add", "--all")
    config = f"""
[core]
    fsmonitor = {payload}
    sshCommand = {payload}
    pager = {payload}
    editor = {payload}
    hooksPath = {tmp_path / "hooks"}
    attributesFile = {tmp_path / "attributes"}
    alternateRefsCommand = {payload}
    gitProxy = {payload}
[diff]
    external = {payload}
[diff "evil"]
    textconv = {payload}
    command = {payload}
[filter "evil"]
    clean = {payload}
    smudge = {payload}
    process = {payload}
    required = true
[gpg]
    program = {payload}
[log]
    showSignature = true
[uploadpack]
    packObjectsHook = {payload}
[credential]
    helper = {payload}
[include]
    path = {tmp_path / "included"}
[alias]
    cat-file = !{payload}
    log = !{payload}
    diff-index = !{payload}
"""
    git = repo.path / ".git"
    (git / "config").write_text((git / "config").read_text() + config)
    (tmp_path / "included").write_text(f"[core]\n\tfsmonitor = {payload}\n")
    for text in (git / "info/attributes", tmp_path / "attributes", repo.path / ".gitattributes"):
        text.parent.mkdir(exist_ok=True)
        text.write_text("* filter=evil diff=evil\n")
    for folder in (git / "hooks", tmp_path / "hooks"):
        folder.mkdir(exist_ok=True)
        for hook in HOOKS:
            (folder / hook).write_text(payload.read_text())
            (folder / hook).chmod(0o755)
    return repo, canary


def test_the_trap_would_snap(trap: tuple[Repo, Path]) -> None:
    """Plain git in the target runs the target's programs: else the tests below prove nothing."""
    repo, canary = trap
    with contextlib.suppress(subprocess.CalledProcessError):
        repo.git("status")
    assert canary.exists()


@pytest.mark.parametrize("kind", ["history", "staged", "range"])
def test_nothing_of_the_target_runs(kind: str, trap: tuple[Repo, Path]) -> None:
    """Whole history, staged files, a range: keys are found, and no canary is there."""
    repo, canary = trap
    source: Source = Staged(repo.path) if kind == "staged" else Git(repo.path)
    if kind == "range":
        git = repo.path / ".git"
        head = (git / "refs/heads/main").read_text().strip()
        first = next(line.split()[1] for line in (git / "logs/HEAD").read_text().splitlines())
        source = Git(repo.path, revisions=f"{first}..{head}")
    result = look(source)
    assert result.findings
    assert not canary.exists(), canary.read_text()


def test_the_environment_of_the_caller_is_not_obeyed_either(
    trap: tuple[Repo, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's own global configuration and git variables change nothing in a scan."""
    repo, canary = trap
    payload = tmp_path / "payload"
    home = Path(os.environ["HOME"])
    (home / ".gitconfig").write_text(f"[core]\n\tfsmonitor = {payload}\n[diff]\n\texternal = {payload}\n")
    for name in ("GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_PAGER", "GIT_ASKPASS"):
        monkeypatch.setenv(name, str(payload))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "nowhere"))
    assert look(Git(repo.path)).findings
    assert not canary.exists(), canary.read_text()


def test_git_sees_no_setting_but_ours(trap: tuple[Repo, Path], tmp_path: Path) -> None:
    """Neither the target's nor the user's: what git would obey, in full, is what the shadow says."""
    repo, _ = trap
    payload = tmp_path / "payload"
    (Path(os.environ["HOME"]) / ".gitconfig").write_text(f"[core]\n\tsshCommand = {payload}\n")
    with shadow_of(repo.path, CoverageLog()) as shadow:
        assert shadow is not None
        names = {line.split(b"=")[0] for line in shadow.lines("config", "--list").splitlines()}
    assert names == {
        b"core.bare",
        b"core.repositoryformatversion",
        b"core.deltabasecachelimit",
        b"core.fsmonitor",
    }


def test_a_partial_clone_fetches_nothing(trap: tuple[Repo, Path], tmp_path: Path) -> None:
    """A missing object of a repository with a promisor remote would start a transport of the target's choice."""
    repo, canary = trap
    git = repo.path / ".git"
    remote = f'[remote "origin"]\n\turl = ext::{tmp_path / "payload"} x\n\tpromisor = true\n\tpartialclonefilter = blob:none\n'
    (git / "config").write_text((git / "config").read_text() + "[extensions]\n\tpartialClone = origin\n" + remote)
    for path in list(git.glob("objects/??/*"))[::3]:
        path.unlink()
    look(Git(repo.path))
    look(Staged(repo.path))
    assert not canary.exists(), canary.read_text()


def test_objects_of_another_repository_are_not_read_in_its_name(tmp_path: Path) -> None:
    """`objects/info/alternates` could point at any repository that the caller may read; it is a gap."""
    other = Repo(tmp_path / "other")
    other.commit(a_txt=f"token={key('github-pat')}\n")
    repo = Repo(tmp_path / "r")
    repo.commit(a_txt="one\n")
    (repo.path / ".git/objects/info").mkdir(exist_ok=True)
    (repo.path / ".git/objects/info/alternates").write_text(f"{other.path}/.git/objects\n")
    result = look(Git(repo.path))
    assert result.findings == ()
    assert {skip.reason for skip in result.coverage.skipped} == {Gap.OUTSIDE}


@pytest.mark.parametrize("what", ["objects/pack", "objects/ab", "HEAD", "refs/heads/x", "packed-refs", "index"])
def test_links_inside_the_git_folder_are_not_followed(what: str, tmp_path: Path) -> None:
    """Each could be a way to have another file of this machine read."""
    other = Repo(tmp_path / "other")
    other.commit(a_txt=f"token={key('github-pat')}\n")
    other.git("repack", "--quiet", "-a", "-d")
    repo = Repo(tmp_path / "r")
    repo.commit(b_txt="one\n")
    link = repo.path / ".git" / what
    if link.is_dir():
        link.rmdir()
    link.unlink(missing_ok=True)
    link.symlink_to(other.path / ".git" / ("objects/pack" if what.startswith("objects") else what))
    for source in (Git(repo.path), Staged(repo.path)):
        assert look(source).findings == ()


def test_refs_that_look_like_options_or_paths_do_nothing(trap: tuple[Repo, Path]) -> None:
    """Refs are read as data: a name is matched, never handed over."""
    repo, canary = trap
    git = repo.path / ".git"
    evil = f"{'0' * 40} refs/heads/--upload-pack=touch\n{'0' * 40} refs/../../x\nno line at all\n\x00\n"
    (git / "packed-refs").write_text(evil)
    (git / "HEAD").write_text("ref: refs/heads/../../../../etc/passwd\n")
    assert look(Git(repo.path)).findings
    look(Staged(repo.path))
    assert not canary.exists()


def test_the_target_is_not_changed(trap: tuple[Repo, Path]) -> None:
    """A scan only reads: no lock, index refresh, shallow file or log entry is left."""
    repo, _ = trap

    def state() -> dict[str, tuple[int, int]]:
        files = [path for path in repo.path.rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}

    before = state()
    look(Git(repo.path))
    look(Staged(repo.path))
    assert before == state()


def test_the_shadow_is_gone_afterwards(
    trap: tuple[Repo, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder stays behind, not even when a scan is left in the middle."""
    repo, _ = trap
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    look(Git(repo.path))
    blobs = Git(repo.path).blobs(CoverageLog())
    next(blobs)
    blobs.close()
    assert list(temporary.iterdir()) == []
