"""The world of the demo, which tests and benchmarks share: providers, a database server, a store with three agents' keys.

Everything is real but the two vendors, which are the simulators of `samples/simulators` in a process of their own.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from samples.servers.postgres import Server, running_postgres

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "proj_demo"
SERVICE_ACCOUNT = "user-orders"


@dataclass(frozen=True)
class Keys:
    """The values that the demo plants; they live in this process and at their providers, nowhere else in the clear."""

    openai: str
    anthropic: str
    standby: str
    postgresql: str
    administering: tuple[str, ...] = ()
    """Never handed to an agent."""


@dataclass(frozen=True)
class World:
    """Where everything is."""

    folder: Path
    vendors: str
    """Base URL of the simulators."""
    postgres: Server
    keys: Keys

    def environ(self) -> dict[str, str]:
        """Return the environment for the command line: this store, and a home of its own."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("KEYSWEEP_")},
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(home / "cache")),
            "KEYSWEEP_CONFIG": str(self.folder / "keysweep.toml"),
            "PYTHONPATH": str(ROOT),
        }

    def run(self, *arguments: str, stdin: str | None = None, expect: tuple[int, ...] = (0,)) -> str:
        """Run the command line as a user would and return what it printed.

        Raises:
            RuntimeError: it ended with another code.
        """
        done = subprocess.run(
            [sys.executable, "-m", "keysweep", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environ(),
            check=False,
        )
        if done.returncode not in expect:
            msg = f"keysweep {arguments[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
            raise RuntimeError(msg)
        return done.stdout

    def control(self, path: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
        """Ask the simulators' control endpoint."""
        return control(self.vendors, path, body)

    def old_keys_refused(self) -> dict[str, bool]:
        """Ask each provider directly whether it refuses the value that was planted."""
        import psycopg

        try:
            psycopg.connect(self.keys.postgresql, connect_timeout=3).close()
        except psycopg.OperationalError as error:
            database = "password authentication failed" in str(error)
        else:
            database = False
        return {
            "openai": _refused(self.vendors, {"Authorization": f"Bearer {self.keys.openai}"}),
            "anthropic": _refused(self.vendors, {"x-api-key": self.keys.anthropic, "anthropic-version": "2023-06-01"}),
            "postgresql": database,
        }

    def agent(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start an agent under the supervisor."""
        return subprocess.Popen(
            [sys.executable, "-m", "keysweep", "run", "--agent", name, "--", sys.executable, "-m", *command],
            cwd=self.folder,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
        )


@contextmanager
def demo_world(folder: Path) -> Iterator[World]:
    """Start the providers and fill a store with the keys of three agents, for the length of a block."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        vendors = stack.enter_context(running_vendors(folder))
        postgres = stack.enter_context(running_postgres())
        world = World(folder=folder, vendors=vendors, postgres=postgres, keys=_stock(folder, vendors, postgres))
        yield world


@contextmanager
def running_vendors(folder: Path) -> Iterator[str]:
    """Start the simulators in a process of their own and yield their base URL."""
    ready = folder / "vendors.url"
    ready.unlink(missing_ok=True)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "samples.simulators",
            "--state",
            str(folder / "vendors.json"),
            "--ready-file",
            str(ready),
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: ready.exists() and bool(ready.read_text()), "the simulators")
        yield ready.read_text()
    finally:
        process.terminate()
        process.wait(10)


def control(base_url: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
    """Ask the simulators' control endpoint."""
    data = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(urllib.request.Request(f"{base_url}/_control/{path}", data), timeout=10) as answer:
        answered: dict[str, object] = json.load(answer)
    return answered


def _refused(base_url: str, headers: Mapping[str, str]) -> bool:
    try:
        urllib.request.urlopen(
            urllib.request.Request(f"{base_url}/v1/models", headers=dict(headers)), timeout=10
        ).close()
    except urllib.error.HTTPError as error:
        return error.code == 401
    return False


def wait_for(condition: object, what: str, *, seconds: float = 20.0) -> None:
    """Wait until *condition*, a function, is true.

    Raises:
        RuntimeError: it did not become true.
    """
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > until:
            msg = f"waited {seconds:g} s for {what}"
            raise RuntimeError(msg)
        time.sleep(0.02)


def _stock(folder: Path, vendors: str, postgres: Server) -> Keys:
    """Make keys at the providers, as people would in their consoles, and store them with `keys import` from a pipe."""

    def seed(vendor: str, name: str, *, admin: bool = False, status: str = "active") -> dict[str, str]:
        body = {"vendor": vendor, "name": name, "admin": admin, "owner": SERVICE_ACCOUNT, "status": status}
        return {key: str(value) for key, value in control(vendors, "seed", body).items()}

    openai, anthropic = seed("openai", "orders-agent"), seed("anthropic", "support-agent")
    standby = seed("anthropic", "support-agent standby", status="inactive")
    uri = postgres.add_role("mcp_orders")
    (folder / "keysweep.toml").write_text(
        f'store = "store/keysweep.db"\nkey_file = "store/keysweep.key"\n\n[providers.openai]\nbase_url = "{vendors}"\n'
        f'project_id = "{PROJECT}"\nservice_account_id = "{SERVICE_ACCOUNT}"\n\n[providers.anthropic]\nbase_url = "{vendors}"\n\n'
        '[report]\norganisation = "Halden Payments Ltd (sample)"\nprepared_by = "Platform Security"\n'
        'risk_analysis = "TRA-07"\napproved_by = "CISO"\n'
    )
    rows = [
        {"name": "orders-openai", "provider": "openai", "value": openai["value"], "agent": "orders", "provider_key_id": openai["id"],
         "owner": "orders team", "environment": "production", "created_at": "2026-09-20T08:00:00Z"},
        {"name": "support-claude", "provider": "anthropic", "value": anthropic["value"], "agent": "support",
         "provider_key_id": anthropic["id"], "owner": "support team", "environment": "production", "created_at": "2026-08-01T08:00:00Z"},
        {"name": "support-claude", "provider": "anthropic", "value": standby["value"], "provider_key_id": standby["id"], "state": "standby"},
        {"name": "mcp-orders-db", "provider": "postgresql", "value": uri, "agent": "mcp-postgres", "owner": "data team",
         "environment": "production", "created_at": "2026-11-10T08:00:00Z"},
        {"name": "openai-admin", "provider": "openai", "value": seed("openai", "admin", admin=True)["value"], "admin": "true",
         "owner": "platform security", "created_at": "2026-07-02T08:00:00Z"},
        {"name": "anthropic-admin", "provider": "anthropic", "value": seed("anthropic", "admin", admin=True)["value"], "admin": "true",
         "owner": "platform security", "created_at": "2026-10-01T08:00:00Z"},
        {"name": "postgres-admin", "provider": "postgresql", "value": postgres.admin_uri, "admin": "true",
         "owner": "data team", "created_at": "2026-09-10T08:00:00Z"},
    ]  # fmt: skip
    lines = io.StringIO()
    for row in rows:
        lines.write(json.dumps(row) + "\n")
    keys = Keys(
        openai=openai["value"],
        anthropic=anthropic["value"],
        standby=standby["value"],
        postgresql=uri,
        administering=tuple(str(row["value"]) for row in rows if "admin" in row),
    )
    world = World(folder=folder, vendors=vendors, postgres=postgres, keys=keys)
    world.run("init")
    world.run("keys", "import", "-", "--format", "jsonl", stdin=lines.getvalue())
    return keys
