"""Files and folders: regular files only, everything else is counted, and a name cannot harm."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.finding import name_of
from keysweep.scanner.sources.files import Files
from tests.scanner.making import key, look, look_at

IS_ROOT = os.geteuid() == 0


def listed(source: Files) -> tuple[list[str], dict[str, str]]:
    """Return what a source yields, and what it leaves out and why."""
    log = CoverageLog()
    names = [name_of(blob.origin) for blob in source.blobs(log)]
    return names, {skip.path: skip.reason for skip in log.close().skipped}


def test_files_come_in_the_order_of_their_paths_and_are_named_as_the_user_would() -> None:
    """Relative targets give relative names; a folder's own files come before those below it."""
    for name in ("b.txt", "a/z.txt", "a/b/c.txt", "c/d.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("x")
    assert listed(Files(Path()))[0] == ["b.txt", "a/z.txt", "a/b/c.txt", "c/d.txt"]
    assert listed(Files(Path("a")))[0] == ["a/z.txt", "a/b/c.txt"]
    assert listed(Files(Path("a/z.txt")))[0] == ["a/z.txt"]


@pytest.mark.parametrize("name", ["fifo", "socket", "folder-loop", "link-loop", "device"])
def test_what_is_no_regular_file_is_neither_opened_nor_silently_passed(name: str, tmp_path: Path) -> None:
    """A FIFO would block for ever, a device might do anything; each is counted."""
    folder = tmp_path / "t"
    folder.mkdir()
    (folder / "good.txt").write_text("x")
    odd = folder / name
    match name:
        case "fifo":
            os.mkfifo(odd)
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(os.path.relpath(odd))
        case "folder-loop":
            odd.symlink_to(folder)
        case "link-loop":
            odd.symlink_to(odd)
        case "device":
            odd.symlink_to("/dev/zero")
    names, gaps = listed(Files(folder))
    expected = {"folder-loop": None, "device": Gap.OUTSIDE}.get(name, Gap.NOT_A_FILE)
    assert names == [str(folder / "good.txt")]
    assert gaps == ({} if expected is None else {str(odd): expected})


def test_a_device_is_never_read() -> None:
    """A target that is a device itself is a gap, not an endless scan."""
    assert listed(Files(Path("/dev/zero"))) == ([], {"/dev/zero": Gap.NOT_A_FILE})


def test_links_are_read_once_or_counted(tmp_path: Path) -> None:
    """Inside: under its own name.  Outside: a gap, for what it leads to was not read.  To nothing: nothing is missed."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/transcript.jsonl").write_text(key("github-pat"))
    folder = tmp_path / "t"
    folder.mkdir()
    (folder / "real.txt").write_text("x")
    (folder / "inside").symlink_to("real.txt")
    (folder / "outside").symlink_to(tmp_path / "elsewhere")
    (folder / "dangling").symlink_to("nothing")
    names, gaps = listed(Files(folder))
    assert names == [str(folder / "real.txt")]
    assert gaps == {str(folder / "outside"): Gap.OUTSIDE}


def test_a_target_that_is_a_link_is_followed(tmp_path: Path) -> None:
    """The user named it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.txt").write_text(key("github-pat"))
    (tmp_path / "link").symlink_to("real")
    (finding,) = look_at(tmp_path / "link").findings
    assert finding.occurrences[0].path == str(tmp_path / "link/a.txt")


@pytest.mark.skipif(IS_ROOT, reason="root may read everything")
def test_what_may_not_be_read_is_a_gap(tmp_path: Path) -> None:
    """File and folder alike."""
    (tmp_path / "t/closed").mkdir(parents=True)
    (tmp_path / "t/secret.txt").write_text("x")
    (tmp_path / "t/secret.txt").chmod(0)
    (tmp_path / "t/closed").chmod(0)
    result = look_at(tmp_path / "t")
    assert {skip.path for skip in result.coverage.skipped} == {
        str(tmp_path / "t/secret.txt"),
        str(tmp_path / "t/closed"),
    }
    assert {skip.reason for skip in result.coverage.skipped} == {Gap.UNREADABLE}
    (tmp_path / "t/closed").chmod(0o700)


def test_a_target_that_vanished_is_a_gap(tmp_path: Path) -> None:
    """Not an empty, clean result."""
    assert listed(Files(tmp_path / "none")) == ([], {str(tmp_path / "none"): Gap.VANISHED})


def test_a_file_that_is_swapped_for_a_link_is_not_followed(tmp_path: Path) -> None:
    """Between listing and opening, somebody may put a link to another file in its place."""
    folder = tmp_path / "t"
    folder.mkdir()
    (tmp_path / "other").write_text(f"token={key('github-pat')}")
    (folder / "a.txt").write_text("x")
    log = CoverageLog()
    (blob,) = Files(folder).blobs(log)
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match=r"."):
        blob.open()


def test_an_empty_file_is_read() -> None:
    """It counts as read, with no bytes."""
    Path("empty").touch()
    coverage = look_at(Path("empty")).coverage
    assert (coverage.files, coverage.bytes, coverage.complete) == (1, 0, True)


def test_a_sparse_file_of_a_terabyte_is_refused_and_said(tmp_path: Path) -> None:
    """Reading its holes would take hours."""
    with (tmp_path / "huge").open("wb") as file:
        file.write(b"head")
        file.truncate(1 << 40)
    assert listed(Files(tmp_path / "huge")) == ([], {str(tmp_path / "huge"): Gap.TOO_LARGE})


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("line\nbreak.txt", id="line break"),
        pytest.param("\x1b[31mred\x1b[0m.txt", id="terminal escape"),
        pytest.param("a" * 251 + ".txt", id="255 bytes"),
        pytest.param("-rf", id="looks like an option"),
        pytest.param("\udcff\udcfe.txt", id="not UTF-8"),
        pytest.param("ünïcode 🔑.txt", id="not ASCII"),
        pytest.param("%n%s{0}.txt", id="format characters"),
    ],
)
def test_a_name_may_be_anything(name: str, tmp_path: Path) -> None:
    """The key is found and the path is the file's own."""
    folder = tmp_path / "t"
    folder.mkdir()
    (folder / name).write_text(f"token={key('github-pat')}\n")
    (finding,) = look_at(folder).findings
    assert finding.occurrences[0].path == str(folder / name)


def test_exclusion_is_by_name_or_by_path_below_the_target() -> None:
    """A pattern never reaches above the target."""
    for name in ("keep.txt", "drop.log", "sub/drop.log", "sub/keep.txt", "vendor/x.txt"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("x")
    assert listed(Files(Path(), exclude=("*.log", "vendor")))[0] == ["keep.txt", "sub/keep.txt"]
    assert listed(Files(Path(), exclude=("sub/*",)))[0] == ["drop.log", "keep.txt", "vendor/x.txt"]


def test_a_size_limit_is_a_gap() -> None:
    """What was left out for its size is said."""
    Path("small").write_bytes(b"x" * 10)
    Path("large").write_bytes(b"x" * 11)
    assert listed(Files(Path(), largest=10)) == (["small"], {"large": Gap.TOO_LARGE})


def test_settings_inside_of_a_git_folder_are_read() -> None:
    """A folder called `.git` hides nothing, whatever it is; the objects of a real one are tested with the repositories."""
    for name in (".git/config", ".git/objects/ab/text.txt", ".gitignore"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("x")
    assert listed(Files(Path()))[0] == [".gitignore", ".git/config", ".git/objects/ab/text.txt"]


def test_hard_links_are_one_finding_with_two_places() -> None:
    """Both names are places where a person must look."""
    Path("a.txt").write_text(f"token={key('github-pat')}\n")
    Path("b.txt").hardlink_to("a.txt")
    (finding,) = look(Files(Path())).findings
    assert [occurrence.path for occurrence in finding.occurrences] == ["a.txt", "b.txt"]


def test_nothing_in_the_target_is_obeyed() -> None:
    """Configuration and ignore files in a scanned folder could silence a scan; they are only text."""
    Path("keysweep.toml").write_text("not toml at all [[[")
    Path(".gitleaksignore").write_text("*\n")
    Path(".gitattributes").write_text("* filter=evil\n")
    Path("a.txt").write_text(f"token={key('github-pat')}\n")
    assert len(look(Files(Path())).findings) == 1
