"""`make demo`, as CI runs it: the order of what it shows, every number against the evidence, and what it leaves behind."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pypdf
import pytest

from keysweep.foundation.settings import load_settings
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import unlock
from tests.fakes.plaintext import found_below, found_in, needles

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 60
PLANTED = (("demo/agent.log", "openai"), ("demo/mcp-server/.git/objects/", "postgresql"))
"""The leak itself; the third one is drawn into a picture."""
_TOLD = """
import json, os, sys
from dataclasses import asdict
from samples import demo

def tell(world):
    with os.fdopen(int(sys.argv[1]), "w") as pipe:
        json.dump(asdict(world.keys), pipe)

sys.exit(demo.main(sys.argv[2:], watch=tell))
"""
"""Runs the demo and tells its keys through a pipe: they are written nowhere."""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]


@dataclass(frozen=True)
class Ran:
    """One run and what it left."""

    out: Path
    home: Path
    temporary: Path
    mark: str
    code: int
    stdout: str
    stderr: str
    seconds: float
    planted: dict[str, str] = field(repr=False)

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Ask the store that the demo left."""
        database = sqlite3.connect(f"file:{self.out / 'demo/store/keysweep.db'}?mode=ro", uri=True)
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()


def environ(home: Path, temporary: Path, mark: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "CI": "true",
        "NO_COLOR": "1",
        "COLUMNS": "80",
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "DEMO_RUN": mark,
    }


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Run the demo once, without a terminal; the temporary folder is open to the user that PostgreSQL runs as."""
    base = tmp_path_factory.mktemp("demo")
    out, home = base / "out", base / "home"
    home.mkdir()
    temporary, mark = Path(tempfile.mkdtemp(prefix="demo-", dir="/tmp")), uuid.uuid4().hex
    temporary.chmod(0o755)
    reading, writing = os.pipe()
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", _TOLD, str(writing), str(out)],
        cwd=base,
        env=environ(home, temporary, mark),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=[writing],
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    stdout, stderr = process.communicate(timeout=170)
    keys = json.loads(told or "{}")
    admins = {f"admin {number}": value for number, value in enumerate(keys.pop("administering", ()))}
    yield Ran(
        out=out,
        home=home,
        temporary=temporary,
        mark=mark,
        code=process.returncode,
        stdout=stdout,
        stderr=stderr,
        seconds=time.monotonic() - started,
        planted=keys | admins,
    )
    shutil.rmtree(temporary)


def test_it_ends_well_and_in_time(ran: Ran) -> None:
    """Exit 0, nothing on standard error, under a minute."""
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.seconds < LIMIT_S


def test_the_loop_is_shown_in_its_order(ran: Ran) -> None:
    """Six numbered steps, and inside them the commands that a user would type."""
    heads = [line[0] for line in ran.lines if re.match(r"[1-9]  \S", line)]
    assert heads == ["1", "2", "3", "4", "5", "6"]
    typed = [line.split()[2] for line in ran.lines if line.startswith("$ keysweep ")]
    assert typed == [
        *("keys", "run", "run", "run", "agents", "scan", "rotate", "rotate", "scan", "report", "verify"),
    ]


def test_it_fits_eighty_columns_without_colour(ran: Ran) -> None:
    """No line is longer, but for the paths that this test chose; no escape sequence."""
    long = [line for line in ran.lines if len(line) > 80 and str(ran.out) not in line]
    assert not long
    assert "\x1b" not in ran.stdout


def timelines(ran: Ran) -> dict[str, list[tuple[str, int]]]:
    """Return the printed steps of each rotation, by the beginning of its id."""
    printed: dict[str, list[tuple[str, int]]] = {}
    current = ""
    for line in ran.lines:
        if head := re.match(r"\S+  forced rotation (\w{8})$", line):
            current = head[1]
            printed[current] = []
        elif step := re.match(r" +(\d+) ms  (\S+)", line):
            printed[current].append((step[2], int(step[1])))
    return printed


def test_every_printed_millisecond_is_that_of_the_journal(ran: Ran) -> None:
    """Recomputed from the outcome rows in the store."""
    journal: dict[str, list[tuple[str, int]]] = {}
    query = (
        "SELECT r.id, r.started_at, j.step, j.at FROM journal j JOIN rotation r ON r.id = j.rotation_id "
        "WHERE j.phase = 'outcome' ORDER BY r.started_at, j.seq"
    )
    for rotation, started, step, at in ran.rows(query):
        took = datetime.fromisoformat(str(at)) - datetime.fromisoformat(str(started))
        journal.setdefault(str(rotation)[:8], []).append((str(step), round(took.total_seconds() * 1000)))
    assert len(journal) == 3
    assert timelines(ran) == journal
    totals = [float(total) for total in re.findall(r"done in (\d+\.\d\d) s of 60 s", ran.stdout)]
    assert totals == [
        pytest.approx(steps[-1][1] / 1000, abs=0.006) for steps in map(journal.__getitem__, timelines(ran))
    ]


def test_every_rotation_has_its_proof_of_death_and_the_whole_is_the_sum_of_real_time(ran: Ran) -> None:
    """Dead within the minute; the total is at least two rotations at once and a third behind them, at most the run."""
    steps = timelines(ran).values()
    assert all("prove-dead" in [name for name, _ in of_one] for of_one in steps)
    (total,) = re.findall(r"proven dead: (\d+\.\d\d) s of 60 s", ran.stdout)
    one, another, last = (of_one[-1][1] / 1000 for of_one in steps)
    assert max(one, another) + last <= float(total) <= min(ran.seconds, LIMIT_S)


def test_each_finding_is_a_stored_key_first_alive_then_dead(ran: Ran) -> None:
    """The second scan says since when, as the store has it."""
    first, second = (part.partition("\n\n4  ")[0] for part in ran.stdout.split("$ keysweep scan ")[1:])
    assert ", 3 of them stored here (3 live)." in first
    assert ", 3 of them stored here (0 live)." in second
    dead = {
        str(name): str(at)[:19].replace("T", " ")
        for name, at in ran.rows(
            "SELECT c.name, v.dead_at FROM version v JOIN credential c ON c.id = v.credential_id WHERE v.dead_at IS NOT NULL"
        )
    }
    assert dict(re.findall(r"= (\S+) v1  retired, dead since (\S+ \S+)Z", second)) == dead
    assert set(re.findall(r"f-[0-9a-f]{16}", first)) <= {str(row[0]) for row in ran.rows("SELECT id FROM finding")}


def test_agents_and_providers_were_asked_themselves(ran: Ran) -> None:
    """Three agents work, three providers refuse."""
    assert re.findall(r"agent +(\S+) +works: (?:200|serving) since", ran.stdout) == [
        "orders",
        "support",
        "mcp-postgres",
    ]
    assert re.findall(r"provider +(\S+) +refuses the old key", ran.stdout) == ["openai", "anthropic", "postgresql"]


def test_the_report_holds_the_run(ran: Ran) -> None:
    """Seal, title, ledger head and attached steps are those that were printed."""
    content = (ran.out / "key-age.pdf").read_bytes()
    seal = json.loads((ran.out / "key-age.pdf.seal.json").read_text())
    reader = pypdf.PdfReader(io.BytesIO(content))
    assert hashlib.sha256(content).hexdigest() == seal["sha256"]
    assert f"report    {seal['report_id']} is as it was signed" in ran.stdout
    assert seal["report_id"] in str(reader.metadata and reader.metadata.title)
    (head,) = re.findall(r"^head      ([0-9a-f]{64})$", ran.stdout, re.MULTILINE)
    (entries,) = re.findall(r"whole: (\d+) entries", ran.stdout)
    assert [(head,)] == ran.rows(f"SELECT lower(hex(hash)) FROM ledger WHERE seq = {entries}")
    attached = csv.DictReader(io.StringIO(reader.attachments["EV-02-rotations.csv"][0].decode()))
    steps: dict[str, list[tuple[str, int]]] = {}
    for row in attached:
        steps.setdefault(row["rotation"][:8], []).append((row["step"], int(row["at_ms"])))
    assert steps == timelines(ran)


def test_no_process_and_no_temporary_file_stays(ran: Ran) -> None:
    """Agents, supervisors, simulators and the database server have ended."""
    left = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                about = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            except OSError:
                continue
            if ran.mark.encode() in about or str(ran.temporary).encode() in about:
                left.append(about.decode(errors="replace"))
    assert not left
    assert not list(ran.temporary.iterdir())


def secrets_of(ran: Ran) -> dict[str, str]:
    """Return every key that the run knew: planted, minted, administering, and what opens the store."""
    folder = ran.out / "demo"
    settings = load_settings(environ={}, directory=folder, data_dir=folder, config=folder / "keysweep.toml")
    known = dict(ran.planted)
    opened = unlock(settings)
    try:
        with opened.database.read() as connection:
            for credential, version in store.live_versions(connection):
                value = opened.vault.open_version(connection, version.ref).reveal_text()
                known[f"{credential.name} v{version.ref.number}"] = value
    finally:
        opened.close()
    known["key file"] = settings.key_file.read_text().split()[-1]
    return known


def test_no_file_that_it_leaves_holds_a_key(ran: Ran) -> None:
    """Database, write-ahead log, journal, PDF with its streams and attachments, caches, home, temp: none, in no form."""
    known = secrets_of(ran)
    assert {"openai", "anthropic", "standby", "postgresql", "admin 2", "orders-openai v2", "mcp-orders-db v2"} <= set(
        known
    )
    looked_for = needles(known)
    own = (("demo/store/keysweep.key", "key file"),)
    assert found_below([ran.out, ran.home, ran.temporary], looked_for, but=(*PLANTED, *own)) == []
    assert not found_in((ran.stdout + ran.stderr).encode(), looked_for)


def test_the_search_sees_the_planted_leaks(ran: Ran) -> None:
    """Else the test above would say nothing: the log and the compressed history do hold their keys."""
    seen = found_below([ran.out], needles(ran.planted))
    assert {name for _, name in seen} == {"openai", "postgresql"}
    where = {name: start for start, name in PLANTED}
    assert all(place.startswith(where[name]) for place, name in seen)


def test_it_runs_again_over_what_it_left(ran: Ran, tmp_path: Path) -> None:
    """`python -m samples.demo` on an existing folder starts afresh."""
    before = (ran.out / "key-age.pdf").read_bytes()
    again = tmp_path / "out"
    shutil.copytree(ran.out, again, symlinks=True)
    done = subprocess.run(
        [sys.executable, "-m", "samples.demo", str(again)],
        cwd=ROOT,
        env=environ(ran.home, Path(tempfile.gettempdir()), uuid.uuid4().hex),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (again / "key-age.pdf").read_bytes() != before
