"""How long a leaked key lives: from the moment that a finding is accepted to the agent on the new key, and to the old one's refusal.

`python -m benchmarks.rotation [RUNS]` rotates the keys of two agents in turn, forced, as the installed program does it: a key of a
simulated vendor in a process of its own, and a role of a real PostgreSQL server.  The agents are real processes under `keysweep
run`.  A run begins before the program is started.  It ends for the agent when the engine has attested it *and* the agent's new
process says that it is served; for the old key when the server refuses it, asked directly and not by the engine.

Prints one line of JSON; what happens meanwhile goes to standard error.  Ends with 1 if a bar is missed.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from keysweep.foundation.database import tables
from keysweep.foundation.settings import load_settings
from keysweep.rotation.credential import State
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.steps import Phase, Result, Step
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault, unlock
from samples.world import World, demo_world, wait_for

_P50_S, _P95_S, _MOST_S = 3.0, 5.0, 60.0
_AT_ONCE = 20
_SLOWER = 3.0
"""Twenty at once may take so many times what one takes."""
_ASK_S = 0.02
_AGAIN = ("--override-breaker", "--reason", "measured again and again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A credential, its agent, and how its server is asked without the engine."""

    credential: str
    agent: str
    report: Path
    refused: Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """Seconds of one run."""

    serving: float
    dead: float


def main(arguments: Sequence[str] = ()) -> int:
    """Measure and print; 1 if a bar is missed."""
    runs = int(arguments[0]) if arguments else 200
    with tempfile.TemporaryDirectory(prefix="keysweep-bench-") as folder, demo_world(Path(folder)) as world:
        subjects = _subjects(world)
        with _opened(world) as opened, _agents(world, subjects):
            took = [_one(world, opened, subjects[number % len(subjects)], number) for number in range(runs)]
        at_once = _twenty(world)
    serving, dead = sorted(t.serving for t in took), sorted(t.dead for t in took)
    line = {
        "runs": runs,
        **{f"{name}_s": round(value, 3) for name, value in _figures(serving).items()},
        **{f"death_{name}_s": round(value, 3) for name, value in _figures(dead).items()},
        "at_once": _AT_ONCE,
        "at_once_s": round(at_once, 3),
    }
    print(json.dumps(line))
    missed = _missed(_figures(serving), _figures(dead), at_once)
    for bar in missed:
        print(f"missed: {bar}", file=sys.stderr)
    return 1 if missed else 0


def _missed(serving: dict[str, float], dead: dict[str, float], at_once: float) -> list[str]:
    bars = {
        f"agent on the new key, half of the runs within {_P50_S} s": serving["p50"] < _P50_S,
        f"agent on the new key, 95 of 100 within {_P95_S} s": serving["p95"] < _P95_S,
        f"old key refused, 95 of 100 within {_P95_S} s": dead["p95"] < _P95_S,
        f"none over {_MOST_S} s": max(serving["max"], dead["max"]) <= _MOST_S,
        f"{_AT_ONCE} at once within {_SLOWER} times one": at_once <= _SLOWER * serving["p95"],
    }
    return [bar for bar, held in bars.items() if not held]


def _figures(values: list[float]) -> dict[str, float]:
    """Return median, 95th percentile and largest of sorted values; a percentile is the value that so many do not exceed."""
    return {
        "p50": values[math.ceil(0.5 * len(values)) - 1],
        "p95": values[math.ceil(0.95 * len(values)) - 1],
        "max": values[-1],
    }


def _subjects(world: World) -> list[Subject]:
    import psycopg

    def vendor(value: str) -> bool:
        headers = {"Authorization": f"Bearer {value}"}
        try:
            urllib.request.urlopen(urllib.request.Request(f"{world.vendors}/v1/models", headers=headers)).close()
        except urllib.error.HTTPError as error:
            with error:
                return error.code == 401
        return False

    def server(value: str) -> bool:
        try:
            psycopg.connect(value, connect_timeout=3).close()
        except psycopg.OperationalError as error:
            return "password authentication failed" in str(error)
        return False

    return [
        Subject(credential="orders-openai", agent="orders", report=world.folder / "orders.jsonl", refused=vendor),
        Subject(credential="mcp-orders-db", agent="mcp-postgres", report=world.folder / "mcp.jsonl", refused=server),
    ]


@contextmanager
def _opened(world: World) -> Iterator[OpenVault]:
    opened = unlock(load_settings(environ=world.environ(), directory=world.folder, data_dir=world.folder))
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def _agents(world: World, subjects: list[Subject]) -> Iterator[None]:
    llm, mcp = subjects
    running = [
        world.agent(llm.agent, "samples.agents.llm_agent", "openai", world.vendors, "OPENAI_API_KEY", str(llm.report)),
        world.agent(mcp.agent, "samples.agents.mcp_postgres", "DATABASE_URL", str(mcp.report)),
    ]
    try:
        wait_for(lambda: all(subject.report.exists() for subject in subjects), "the agents")
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(20)


def _one(world: World, opened: OpenVault, subject: Subject, number: int) -> Took:
    """Rotate once, and look at the agent and the server meanwhile."""
    with opened.database.read() as connection:
        credential = store.credential_named(connection, subject.credential)
        current = store.version_in(connection, credential.id, State.CURRENT)
        assert current is not None
        old = opened.vault.open_version(connection, current.ref).reveal_text()
    before = _reported(subject)[-1]["pid"]
    refused: list[float] = []
    watch = threading.Thread(target=_watch, args=(subject, old, refused), daemon=True)
    started = time.time()
    watch.start()
    world.run("rotate", subject.credential, "--compromised", "--yes", *_AGAIN)
    watch.join(_MOST_S)
    wait_for(lambda: _served(subject, before) is not None, "the agent")
    served = _served(subject, before)
    assert served is not None
    took = Took(
        serving=max(_attested(opened, subject.credential), served) - started,
        dead=(refused[0] if refused else math.inf) - started,
    )
    print(f"{number:>4}  {subject.credential:<14}{took.serving:7.2f} s{took.dead:7.2f} s", file=sys.stderr, flush=True)
    return took


def _watch(subject: Subject, old: str, refused: list[float]) -> None:
    """Ask the server until it refuses the old key, and note when."""
    until = time.time() + _MOST_S
    while time.time() < until:
        if subject.refused(old):
            refused.append(time.time())
            return
        time.sleep(_ASK_S)


def _attested(opened: OpenVault, name: str) -> float:
    """Return when the engine saw the agent on the new key, by the journal of the newest rotation."""
    with opened.database.read() as connection:
        credential = store.credential_named(connection, name)
        newest = select(tables.rotation.c.id).where(tables.rotation.c.credential_id == credential.id)
        latest = connection.execute(newest.order_by(tables.rotation.c.started_at.desc()).limit(1)).scalar_one()
        events = journal.events(connection, latest)
    return next(
        event.at.timestamp()
        for event in events
        if event.step is Step.ATTEST and event.phase is Phase.OUTCOME and event.result is Result.OK
    )


def _reported(subject: Subject) -> list[dict[str, object]]:
    return [json.loads(line) for line in subject.report.read_text().splitlines()]


def _served(subject: Subject, before: object) -> float | None:
    """Return when a process other than the one before said first that it is served."""
    for line in _reported(subject)[::-1]:
        if line["pid"] != before and line["status"] in {200, "serving"}:
            return float(str(line["at"]))
    return None


def _twenty(world: World) -> float:
    """Rotate twenty keys in one call, each with an agent of its own, and return how long until all were attested and dead."""
    names = [f"fleet-{number}" for number in range(_AT_ONCE)]
    rows = []
    for name in names:
        body = {"vendor": "openai", "name": name, "admin": False, "owner": "user-orders", "status": "active"}
        made = world.control("seed", body)
        rows.append(
            {"name": name, "provider": "openai", "value": made["value"], "agent": name, "provider_key_id": made["id"]}
        )
    world.run("keys", "import", "--format", "jsonl", "-", stdin="".join(json.dumps(row) + "\n" for row in rows))
    agents = [_sleeper(world, name) for name in names]
    try:
        wait_for(lambda: world.run("agents", "status").count(" v1 ") >= len(names), "the fleet", seconds=90)
        started = time.time()
        world.run("rotate", *names, "--compromised", "--yes", "--jobs", str(_AT_ONCE))
        return time.time() - started
    finally:
        for process in agents:
            process.terminate()
        for process in agents:
            process.wait(20)


def _sleeper(world: World, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "keysweep", "run", "--agent", name, "--", "sleep", "600"],
        cwd=world.folder,
        env=world.environ(),
        stdin=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
