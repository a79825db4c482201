"""Read a repository that may be hostile: through a private bare shadow, never with the target's own configuration.

The shadow links to the target's object folders and nothing else, so that no configuration, hook, attribute or alternate of the
target is ever read by git, and every git process gets an environment made here.  The rules and what they stop are in
docs/adr/0010-hostile-repositories.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast, final

from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.git_folder import GitFolder, git_folder, read_text

if TYPE_CHECKING:
    from git import Git as GitCommand

_FANOUT = re.compile(r"[0-9a-f]{2}")
_SHA256 = re.compile(rb"(?im)^\s*objectformat\s*=\s*sha256\s*$")
_OBJECT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF = re.compile(r"refs/[A-Za-z0-9._/@+=#%,{}-]{1,500}")
_PACKED = 64 << 20


@final
class Running:
    """A git process that writes to a pipe.

    Args:
        process: GitPython's handle, whose own `wait` raises where git fails.
    """

    def __init__(self, process: Any) -> None:
        self._handle = process
        self._process: subprocess.Popen[bytes] = process.proc
        self.complained = False
        """Git wrote an error; known after `wait` or `stop`."""
        # NOTE: a repository with many corrupt objects fills the pipe of errors, and git would wait for a reader for ever.
        self._drain = threading.Thread(target=self._read_errors, daemon=True)
        self._drain.start()

    @property
    def stdout(self) -> BinaryIO:
        """What git writes."""
        assert self._process.stdout is not None  # noqa: S101  GitPython always opens it
        return cast("BinaryIO", self._process.stdout)

    def wait(self) -> int:
        """Wait for the end and return the exit status."""
        self.stdout.close()
        status = self._process.wait()
        self._drain.join()
        return status

    def stop(self) -> None:
        """End the process if it still runs, its output unread."""
        if self._process.poll() is None:
            self._process.kill()
        self.wait()

    def _read_errors(self) -> None:
        assert self._process.stderr is not None  # noqa: S101  GitPython always opens it
        for line in self._process.stderr:
            self.complained |= line.startswith((b"error:", b"fatal:"))


@final
class Shadow:
    """A private bare repository over the objects of another one."""

    def __init__(self, folder: Path, target: GitFolder, command: GitCommand) -> None:
        self.folder = folder
        self.target = target
        """Where the target keeps its things."""
        self._command = command
        self.shallow = (folder / "shallow").exists()
        """It is a shallow clone: commits before some are not there."""

    def stream(self, *arguments: str, stdin: bytes | None = None) -> Running:
        """Start a git process whose output the caller reads, and then waits for or stops.

        Args:
            arguments: without user text; revisions only as object ids.
            stdin: what it reads, None for nothing.
        """
        with tempfile.TemporaryFile() as source:
            source.write(stdin or b"")
            source.seek(0)
            return Running(self._command.execute([_git(), *arguments], as_process=True, istream=source))

    def lines(self, *arguments: str, index: Path | None = None) -> bytes:
        """Run git and return its output; empty where it fails."""
        env = {"GIT_INDEX_FILE": str(index)} if index else {}
        with self._command.custom_environment(**env):
            status, out, _ = self._command.execute(
                [_git(), *arguments],
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
            )
        return bytes(out) if status == 0 else b""

    def resolve(self, name: str) -> str | None:
        """Return the object id that a branch, tag, `HEAD` or id means in the target; read as data, not by git."""
        if _OBJECT.fullmatch(name):
            return name
        refs = _refs(self.target)
        for candidate in (name, f"refs/heads/{name}", f"refs/tags/{name}", f"refs/remotes/{name}"):
            if candidate in refs:
                return refs[candidate]
        return None


@contextmanager
def shadow_of(path: Path, log: CoverageLog) -> Iterator[Shadow | None]:
    """Make a shadow of the repository at *path* for the length of a block; None, and a gap, if there is none."""
    target = git_folder(path)
    if target is None:
        log.skip(str(path), Gap.NOT_A_REPOSITORY)
        yield None
        return
    if (target.common / "objects/info/alternates").exists():
        log.skip(f"{path} (alternates)", Gap.OUTSIDE)
    folder = Path(tempfile.mkdtemp(prefix="keysweep-"))
    try:
        yield Shadow(folder, target, _prepare(folder, target.common))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(folder: Path, target: Path) -> GitCommand:
    from git import Git as GitCommand

    sha256 = _SHA256.search(read_text(target / "config")) is not None
    (folder / "refs").mkdir()
    (folder / "home").mkdir()
    objects = folder / "objects"
    objects.mkdir()
    for entry in os.scandir(target / "objects"):
        if entry.is_dir(follow_symlinks=False) and (entry.name == "pack" or _FANOUT.fullmatch(entry.name)):
            (objects / entry.name).symlink_to(Path(entry.path).resolve())
    (folder / "HEAD").write_text("ref: refs/heads/none\n")
    extension = "\n[extensions]\n\tobjectformat = sha256\n" if sha256 else "\n"
    (folder / "config").write_text(
        f"[core]\n\tbare = true\n\trepositoryformatversion = {int(sha256)}\n\tdeltaBaseCacheLimit = 96m{extension}"
    )
    shallow = [
        i for i in read_text(target / "shallow", _PACKED).decode("ascii", "replace").split() if _OBJECT.fullmatch(i)
    ]
    if shallow:
        (folder / "shallow").write_text("".join(f"{identifier}\n" for identifier in shallow))
    command = GitCommand(str(folder))
    command.update_environment(**_environment(folder))
    return command


def _environment(folder: Path) -> dict[str, str]:
    return {
        "GIT_DIR": str(folder),
        "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
        "GIT_INDEX_FILE": str(folder / "index"),
        "GIT_WORK_TREE": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": "false",
        "GIT_CONFIG_PARAMETERS": "",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": "true",
        "HOME": str(folder / "home"),
        "XDG_CONFIG_HOME": str(folder / "home"),
        "PATH": os.defpath,
        "LC_ALL": "C",
    }


def _git() -> str:
    return shutil.which("git") or "/usr/bin/git"


def _refs(target: GitFolder) -> dict[str, str]:
    """Read packed and loose refs as text, one level of symbolic refs followed."""
    refs: dict[str, str] = {}
    for line in read_text(target.common / "packed-refs", _PACKED).decode("utf-8", "replace").splitlines():
        identifier, _, name = line.partition(" ")
        if _OBJECT.fullmatch(identifier) and _REF.fullmatch(name):
            refs[name] = identifier
    for folder, _, names in os.walk(target.common / "refs", followlinks=False):
        for name in names:
            file = Path(folder) / name
            text = read_text(file).decode("utf-8", "replace").strip()
            if _OBJECT.fullmatch(text):
                refs[file.relative_to(target.common).as_posix()] = text
    head = read_text(target.own / "HEAD").decode("utf-8", "replace").strip()
    if _OBJECT.fullmatch(head):
        refs["HEAD"] = head
    elif (name := head.removeprefix("ref: ")) in refs:
        refs["HEAD"] = refs[name]
    return refs
