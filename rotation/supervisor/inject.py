"""How a key reaches the process of an agent: in its environment, in a file of its own in memory, or in a descriptor that it inherits."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Protocol, final

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.processes import environment_of

_FOLDER = "keysweep-run-"


class How(StrEnum):
    """By which way a key reaches the process."""

    ENV = "env"
    """As the variable itself."""
    FILE = "file"
    """In a file whose path is in the variable with `_FILE` behind its name."""
    FD = "fd"
    """In a descriptor whose number is in the variable with `_FD` behind its name."""


class Injection(Protocol):
    """The keys of one process, from before its start until after its end."""

    method: str
    """What the attestation says."""

    def environ(self) -> dict[str, str]:
        """Return what the process gets in its environment."""
        ...

    def descriptors(self) -> tuple[int, ...]:
        """Return what the process inherits."""
        ...

    def started(self) -> None:
        """Forget what is not needed any more once the process runs."""
        ...

    def held(self, pid: int, /) -> Mapping[str, bytes] | None:
        """Return what the process was given, as it can be read back, by variable; None if that cannot be told yet.

        One look: a process that puts another program in its place shows nothing for a moment, which must not fall between two.
        """
        ...

    def shown(self) -> bool:
        """Whether this system lets us read that back."""
        ...

    def rewrite(self, values: Mapping[str, Secret], /) -> bool:
        """Put other values where a running process can read them again; False if there is no such place."""
        ...

    def end(self) -> None:
        """Leave no value behind.  Safe to repeat."""
        ...


def inject(how: How, values: Mapping[str, Secret]) -> Injection:
    """Prepare the values for a process that is started next.

    Raises:
        UsageError: this system has no such way.
    """
    match how:
        case How.ENV:
            return _Environment(values)
        case How.FILE:
            return _Files(values)
        case How.FD:
            return _Descriptors(values)


@final
class _Environment:
    """The process's environment block, which the kernel shows."""

    method = "kernel"

    def __init__(self, values: Mapping[str, Secret]) -> None:
        self._values = {name: secret.reveal_text() for name, secret in values.items()}

    def environ(self) -> dict[str, str]:
        return self._values

    def held(self, pid: int) -> Mapping[str, bytes] | None:
        """The kernel starts a new program before it has set up that program's environment: an empty one says nothing."""
        block = environment_of(pid)
        return {name.decode(errors="replace"): value for name, value in block.items()} if block else None

    def shown(self) -> bool:
        return environment_of(os.getpid()) is not None

    def started(self) -> None:
        self._values = {}

    def descriptors(self) -> tuple[int, ...]:
        return ()

    def rewrite(self, _values: Mapping[str, Secret]) -> bool:
        return False

    def end(self) -> None:
        self._values = {}


@final
class _Files:
    """Files of one process, in a folder in memory that only its user may enter; locked while we live."""

    method = "file"

    def __init__(self, values: Mapping[str, Secret]) -> None:
        base = private_base()
        _sweep(base)
        self._folder = Path(tempfile.mkdtemp(prefix=_FOLDER, dir=base))
        self._lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._names = tuple(values)
        self.rewrite(values)

    def environ(self) -> dict[str, str]:
        return {f"{name}_FILE": str(self._folder / name) for name in self._names}

    def descriptors(self) -> tuple[int, ...]:
        return ()

    def started(self) -> None:
        """Keep the files: the process reads them when it likes."""

    def shown(self) -> bool:
        return True

    def held(self, _pid: int) -> Mapping[str, bytes]:
        found = {}
        for name in self._names:
            with suppress(OSError):
                found[name] = (self._folder / name).read_bytes()
        return found

    def rewrite(self, values: Mapping[str, Secret]) -> bool:
        for name, secret in values.items():
            fresh = os.open(self._folder / ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(fresh, "wb") as file:
                file.write(secret.reveal())
            (self._folder / ".new").replace(self._folder / name)
        return True

    def end(self) -> None:
        if self._lock >= 0:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


@final
class _Descriptors:
    """Memory without a name, which the process inherits: gone with the last who holds it, however that one ends."""

    method = "descriptor"

    def __init__(self, values: Mapping[str, Secret]) -> None:
        if not hasattr(os, "memfd_create"):
            msg = "this system has no files that are only memory"
            raise UsageError(msg, hint="--inject file")
        self._writers = {name: os.memfd_create("key", os.MFD_CLOEXEC) for name in values}
        self._readers = {
            name: os.open(f"/proc/self/fd/{writer}", os.O_RDONLY | os.O_CLOEXEC)
            for name, writer in self._writers.items()
        }
        self.rewrite(values)

    def environ(self) -> dict[str, str]:
        return {f"{name}_FD": str(reader) for name, reader in self._readers.items()}

    def descriptors(self) -> tuple[int, ...]:
        return tuple(self._readers.values())

    def started(self) -> None:
        """Keep our ends: what is behind them can be rewritten."""

    def shown(self) -> bool:
        return True

    def held(self, _pid: int) -> Mapping[str, bytes]:
        return {name: _whole(reader) for name, reader in self._readers.items()}

    def rewrite(self, values: Mapping[str, Secret]) -> bool:
        for name, secret in values.items():
            length = os.pwrite(self._writers[name], secret.reveal(), 0)
            os.ftruncate(self._writers[name], length)
            os.lseek(self._readers[name], 0, os.SEEK_SET)  # the process shares the place where it reads on
        return True

    def end(self) -> None:
        for descriptor in (*self._writers.values(), *self._readers.values()):
            os.close(descriptor)
        self._writers, self._readers = {}, {}


def private_base() -> Path:
    """Return the folder in memory where files for agents go: the user's own of this session, else the machine's."""
    for stated in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):  # noqa: S108  a folder of our own is made in it
        if stated and os.access(stated, os.W_OK):
            return Path(stated)
    return Path(tempfile.gettempdir())


def _sweep(base: Path) -> None:
    """Remove what killed ones left behind: whose lock nobody holds."""
    for folder in base.glob(f"{_FOLDER}*"):
        with suppress(OSError), _opened(folder) as lock:
            if os.fstat(lock).st_uid == os.geteuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _whole(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
