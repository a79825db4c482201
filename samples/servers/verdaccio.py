"""A private npm registry (Verdaccio) on a free port of this machine, which knows its tokens; gone when the block ends."""

from __future__ import annotations

import json
import secrets
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from samples.servers import launch

_SETTINGS = """\
storage: {folder}/storage
auth: {{htpasswd: {{file: {folder}/users, max_users: 100}}}}
uplinks: {{}}
packages: {{'**': {{access: $all, publish: $authenticated}}}}
flags: {{token: true}}
security: {{api: {{legacy: false, jwt: {{sign: {{expiresIn: 60d}}}}}}}}
log: {{type: stdout, format: json, level: warn}}
"""


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    url: str

    def add_user(self, name: str) -> str:
        """Make a user, as `npm login` does; returns `NAME:PASSWORD`."""
        password = secrets.token_urlsafe(16)
        self._send("PUT", f"/-/user/org.couchdb.user:{name}", {"name": name, "password": password}, None)
        return f"{name}:{password}"

    def add_token(self, user: str) -> tuple[str, str]:
        """Make a token for `NAME:PASSWORD`, as a person would; returns its key and its value."""
        wanted = {"password": user.partition(":")[2], "readonly": False, "cidr_whitelist": []}
        made = self._send("POST", "/-/npm/v1/tokens", wanted, user)
        return made["key"], made["token"]

    def _send(self, method: str, path: str, body: object, user: str | None) -> dict[str, str]:
        from base64 import b64encode

        headers = {"content-type": "application/json"}
        if user:
            headers["authorization"] = "Basic " + b64encode(user.encode()).decode()
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            answered: dict[str, str] = json.load(answer)
        return answered


def program() -> Path | None:
    """Return what is run, None where it is not installed: `scripts/setup.sh` puts it beside the interpreter."""
    found = Path(sys.prefix) / "verdaccio/node_modules/verdaccio/bin/verdaccio"
    return found if found.exists() and shutil.which("node") else None


@contextmanager
def running_verdaccio() -> Iterator[Server]:
    """Start a server for the length of a block.

    Raises:
        RuntimeError: Verdaccio is not installed, or did not start.
    """
    start = program()
    if start is None:
        msg = "Verdaccio is not installed (npm: verdaccio)"
        raise RuntimeError(msg)
    port = launch.free_port()
    with launch.private_folder("keysweep-verdaccio-", None) as folder:
        settings = folder / "config.yaml"
        settings.write_text(_SETTINGS.format(folder=folder))
        command = ["node", str(start), "--config", str(settings), "--listen", f"127.0.0.1:{port}"]
        with launch.running(command, log=folder / "server.log", ready=lambda: launch.answers(port)):
            yield Server(url=f"http://127.0.0.1:{port}")
