"""A private PostgreSQL server on a free port of this machine, with SCRAM authentication; gone when the block ends."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from samples.servers import launch


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    port: int
    admin_uri: str
    """A superuser's URI, with its password."""

    def uri(self, role: str, password: str, database: str = "postgres") -> str:
        """Return a role's URI."""
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    def add_role(self, role: str) -> str:
        """Make a login role with a random password and return its URI."""
        import psycopg

        password = secrets.token_urlsafe(24)
        with psycopg.connect(self.admin_uri, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD '{password}'")
        return self.uri(role, password)


@contextmanager
def running_postgres() -> Iterator[Server]:
    """Start a server for the length of a block.

    Raises:
        RuntimeError: PostgreSQL is not installed, or did not start.
    """
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="keysweep-pg-"))
    as_user, user = launch.unprivileged("postgres")
    password = secrets.token_urlsafe(24)
    secret = folder / "password"
    secret.write_text(password)
    if user:
        for path in (folder, secret):
            os.chown(path, user.pw_uid, user.pw_gid)
    data, port = folder / "data", launch.free_port()
    options = [
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        "--pwfile",
        str(secret),
        "-E",
        "UTF8",
        "--no-sync",
        "--no-locale",
    ]
    _run([*as_user, str(binaries / "initdb"), "-D", str(data), *options])
    secret.unlink()
    settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    log = folder / "server.log"
    _run(
        [*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-o", settings, "-l", str(log), "-w", "-t", "30", "start"]
    )
    try:
        yield Server(port=port, admin_uri=f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres")
    finally:
        _run([*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop"])
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    if path := shutil.which("initdb"):
        return Path(path).parent
    msg = "PostgreSQL's server is not installed (Debian: postgresql)"
    raise RuntimeError(msg)


def _run(command: list[str]) -> None:
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", timeout=60)
    if done.returncode != 0:
        msg = f"{Path(command[-1]).name} failed after {time.monotonic() - started:.1f} s: {done.stderr[-400:]}"
        raise RuntimeError(msg)
