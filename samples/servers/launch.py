"""What the servers of this folder share: a free port, an unprivileged user, and waiting for one that starts."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_STARTS_S = 30.0
_STOPS_S = 10.0


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unprivileged(*names: str) -> tuple[list[str], pwd.struct_passwd | None]:
    """Return what to begin a command with so that it does not run as root, and whom it runs as; nothing for others than root.

    Raises:
        RuntimeError: none of the users exists.
    """
    if os.geteuid() != 0:
        return [], None
    for name in (*names, "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"], user
    msg = "no unprivileged user to run a server as"
    raise RuntimeError(msg)


@contextmanager
def private_folder(prefix: str, owner: pwd.struct_passwd | None) -> Iterator[Path]:
    """Make a folder that only its owner reads; gone when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        if owner:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(
    command: Sequence[str], *, log: Path, ready: Callable[[], bool], program: str | None = None
) -> Iterator[None]:
    """Run a server for the length of a block.

    Args:
        command: its arguments; the first is the name it sees itself under.
        log: where what it says is written.
        ready: whether it answers.
        program: the file to run, where that is not the first argument.

    Raises:
        RuntimeError: it did not start.
    """
    with log.open("ab") as said:
        process = subprocess.Popen(
            list(command), executable=program, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/"
        )
    try:
        _wait(process, ready, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOPS_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + _STARTS_S
    while not ready():
        if process.poll() is not None or time.monotonic() > until:
            msg = f"the server did not start: {log.read_text(errors='replace')[-400:]}"
            raise RuntimeError(msg)
        time.sleep(0.05)
