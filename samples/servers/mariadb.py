"""A private MariaDB server on a free port of this machine; gone when the block ends."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samples.servers import launch

_TABLES = Path("/usr/share/mysql")
_SMALL = ["--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M", "--innodb-flush-method=nosync"]


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    port: int
    admin_uri: str
    """URI of an account that may do everything, with its password."""
    log: Path
    """Every statement that the server got, as it writes them down."""

    def uri(self, user: str, password: str) -> str:
        """Return an account's URI."""
        return f"mysql://{user}:{password}@127.0.0.1:{self.port}/"

    def add_user(self, user: str, host: str = "%") -> str:
        """Make an account with a random password and return its URI."""
        password = secrets.token_urlsafe(24)
        with self.login() as admin, admin.cursor() as cursor:
            cursor.execute("CREATE USER %s@%s IDENTIFIED BY %s", (user, host, password))
        return self.uri(user, password)

    def login(self, uri: str | None = None) -> Any:
        """Open a session, as the administering account where no other is named."""
        import pymysql

        user, _, rest = (uri or self.admin_uri).removeprefix("mysql://").partition(":")
        password = rest.partition("@")[0]
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=user, password=password, autocommit=True, ssl_disabled=True
        )


@contextmanager
def running_mariadb() -> Iterator[Server]:
    """Start a server for the length of a block.

    Raises:
        RuntimeError: MariaDB is not installed, or did not start.
    """
    program = shutil.which("mariadbd", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None or not (_TABLES / "mysql_system_tables.sql").exists():
        msg = "MariaDB's server is not installed (Debian: mariadb-server-core)"
        raise RuntimeError(msg)
    as_user, owner = launch.unprivileged("mysql")
    password, port = secrets.token_urlsafe(24), launch.free_port()
    with launch.private_folder("keysweep-mariadb-", owner) as folder:
        said, log = folder / "server.log", folder / "statements.log"
        base = [*as_user, program, "--no-defaults", f"--datadir={folder}/data", f"--lc-messages-dir={_TABLES}", *_SMALL]
        _run([*as_user, "mkdir", f"{folder}/data"], b"")
        _run([*base, "--bootstrap"], _first_statements(password))
        serving = [
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={folder}/socket",
            f"--pid-file={folder}/pid",
        ]
        watching = ["--general-log=1", f"--general-log-file={log}", "--skip-log-bin", "--skip-name-resolve"]
        with launch.running([*base, *serving, *watching], log=said, ready=lambda: launch.answers(port)):
            yield Server(port=port, admin_uri=f"mysql://root:{password}@127.0.0.1:{port}/", log=log)


def _first_statements(password: str) -> bytes:
    """Return what makes the system tables and one account; no anonymous ones."""
    first = hashlib.sha1(password.encode()).digest()
    digest = hashlib.sha1(first).hexdigest().upper()
    everything = (
        f'{{"access":18446744073709551615,"plugin":"mysql_native_password","authentication_string":"*{digest}"}}'
    )
    return b"\n".join(
        [
            b"CREATE DATABASE mysql;",
            b"USE mysql;",
            b"SET @auth_root_socket=NULL;",
            (_TABLES / "mysql_system_tables.sql").read_bytes(),
            b"DELETE FROM global_priv;",
            f"INSERT INTO global_priv VALUES ('127.0.0.1', 'root', '{everything}');".encode(),
            b"",
        ]
    )


def _run(command: list[str], statements: bytes) -> None:
    done = subprocess.run(command, input=statements, capture_output=True, check=False, cwd="/", timeout=60)
    if done.returncode != 0:
        msg = f"{Path(command[-1]).name} failed: {done.stderr[-400:].decode(errors='replace')}"
        raise RuntimeError(msg)
