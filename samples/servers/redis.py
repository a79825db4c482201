"""A private Redis server on a free port of this machine, with ACLs; gone when the block ends."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samples.servers import launch


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    port: int
    admin_uri: str
    """URI of the user that may do everything, with its password."""
    users: Path
    """Where the server writes its users down."""

    def uri(self, user: str, password: str) -> str:
        """Return a user's URI."""
        return f"redis://{user}:{password}@127.0.0.1:{self.port}/0"

    def add_user(self, user: str) -> str:
        """Make a user with a random password and return its URI."""
        password = secrets.token_urlsafe(24)
        with self.login() as admin:
            admin.execute_command("ACL", "SETUSER", user, "reset", "on", f">{password}", "~*", "+@all", "-@admin")
        return self.uri(user, password)

    def login(self, uri: str | None = None) -> Any:
        """Open one connection, as the administering user where no other is named."""
        import redis

        return redis.Redis.from_url(uri or self.admin_uri, single_connection_client=True)


@contextmanager
def running_redis(*, durable: bool = True) -> Iterator[Server]:
    """Start a server for the length of a block; one that is not durable has nowhere to write its users down.

    Debian's `redis-tools` holds the server's program as well: it looks at the name it was started under.

    Raises:
        RuntimeError: Redis is not installed, or did not start.
    """
    program = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    if program is None:
        msg = "Redis is not installed (Debian: redis-tools)"
        raise RuntimeError(msg)
    password, port = secrets.token_urlsafe(24), launch.free_port()
    with launch.private_folder("keysweep-redis-", None) as folder:
        digest = hashlib.sha256(password.encode()).hexdigest()
        users = folder / "users.acl"
        users.write_text(f"user default on #{digest} ~* &* +@all\n")
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
        if durable:
            options += ["--aclfile", str(users)]
        else:
            options += ["--user", "default", "on", f"#{digest}", "~*", "&*", "+@all"]
        with launch.running(
            ["redis-server", *options], program=program, log=folder / "server.log", ready=lambda: launch.answers(port)
        ):
            yield Server(port=port, admin_uri=f"redis://default:{password}@127.0.0.1:{port}/0", users=users)
