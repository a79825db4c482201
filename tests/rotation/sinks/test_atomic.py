"""A file is replaced whole or not at all, stays what it was in all but content, and is never written through a link."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from pathlib import Path

import pytest

from keysweep.rotation.agents import AgentError
from keysweep.rotation.sinks.atomic import edit, read, settled_at_ns


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    made = tmp_path / "folder"
    made.mkdir()
    return made


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_is_readable_by_its_owner_only(folder: Path) -> None:
    """Whatever the umask says."""
    path = folder / "key"
    old = os.umask(0)
    try:
        assert edit(path, lambda before: b"new" if before is None else b"?")
    finally:
        os.umask(old)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    assert names(folder) == ["key"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_the_mode_it_had_is_kept(mode: int, folder: Path) -> None:
    """Also one that we could not write to."""
    path = folder / "key"
    path.write_bytes(b"old")
    path.chmod(mode)
    assert edit(path, lambda before: (before or b"") + b"er")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"older", mode)


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="no extended attributes here")
def test_attributes_are_kept(folder: Path) -> None:
    """Access lists and labels are attributes."""
    path = folder / "key"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.note", b"mine")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    edit(path, lambda _: b"new")
    assert os.getxattr(path, "user.note") == b"mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_is_kept(folder: Path) -> None:
    """The agent that could read the old key can read the new one."""
    path = folder / "key"
    path.write_bytes(b"old")
    os.chown(path, 12345, 23456)
    edit(path, lambda _: b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_what_holds_the_content_already_is_not_written(folder: Path) -> None:
    """So that a repeated delivery does not make a running agent look outdated."""
    path = folder / "key"
    edit(path, lambda _: b"new")
    then, inode = settled_at_ns(path), path.stat().st_ino
    assert not edit(path, lambda _: b"new")
    assert (settled_at_ns(path), path.stat().st_ino) == (then, inode)


def _symbolic(path: Path) -> None:
    path.symlink_to(path.parent / "target")


def _hard(path: Path) -> None:
    path.hardlink_to(path.parent / "target")


@pytest.mark.parametrize(
    "make", [_symbolic, _hard, Path.mkdir, os.mkfifo], ids=["symlink", "hard link", "folder", "pipe"]
)
def test_what_is_no_file_of_its_own_is_refused(make: object, folder: Path) -> None:
    """A link would put the key where nobody looks for it, or leave the old one standing."""
    (folder / "target").write_bytes(b"somebody else's")
    make(folder / "key")  # type: ignore[operator]
    with pytest.raises(AgentError):
        edit(folder / "key", lambda _: b"new")
    with pytest.raises(AgentError):
        read(folder / "key")
    assert (folder / "target").read_bytes() == b"somebody else's"


def test_a_folder_that_anybody_may_write_to_is_refused(folder: Path) -> None:
    """Unless it is sticky, as the folder of temporary files is."""
    open_to_all = folder / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(AgentError):
        edit(open_to_all / "key", lambda _: b"new")
    open_to_all.chmod(0o1777)
    assert edit(open_to_all / "key", lambda _: b"new")


def test_a_change_by_somebody_else_is_not_lost(folder: Path) -> None:
    """The program whose settings these are saves them while we edit: its change and ours both stand."""
    path = folder / "settings"
    path.write_bytes(b"theme=light key=old")
    rounds = []

    def change(before: bytes | None) -> bytes:
        rounds.append(before)
        if len(rounds) == 1:
            path.write_bytes(b"theme=darker key=old")
        return (before or b"").replace(b"key=old", b"key=new")

    edit(path, change)
    assert path.read_bytes() == b"theme=darker key=new"


def test_a_file_that_never_rests_is_left_alone(folder: Path) -> None:
    """Nothing of ours is left beside it."""
    path = folder / "settings"
    path.write_bytes(b"")

    def change(before: bytes | None) -> bytes:
        path.write_bytes((before or b"") + b".")
        return b"ours"

    with pytest.raises(AgentError):
        edit(path, change)
    assert names(folder) == ["settings"]


def _killed_at(event: str, path: str) -> None:
    def watch(name: str, _arguments: object) -> None:
        if name == event:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    edit(Path(path), lambda _: b"new" * 1000)


def test_killed_before_the_rename_the_old_content_stands(folder: Path) -> None:
    """Crash point 7: the old content or the new one, never a part; what is left behind goes with the next delivery."""
    path = folder / "key"
    path.write_bytes(b"old")
    process = multiprocessing.get_context("fork").Process(target=_killed_at, args=("os.rename", str(path)))
    process.start()
    process.join(10)
    assert process.exitcode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert len(names(folder)) == 2
    edit(path, lambda _: b"new")
    assert (names(folder), read(path)) == (["key"], b"new")
