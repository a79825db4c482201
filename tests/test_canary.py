"""Ours do not leak: canary keys go through every command, error path, log level, crash and child process.

Only `keysweep resolve` and the agents' own environment give a value out: that is what they are for.
"""

from __future__ import annotations

import json
import os
import random
import re
import secrets
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from keysweep.foundation.settings import load_settings
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import unlock
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate
from samples.inputs.logs import write_agent_log
from samples.inputs.repository import make_repository
from samples.inputs.terminal import render_terminal
from samples.world import World, demo_world, wait_for
from tests.fakes.plaintext import forms, found_below, found_in, needles

PLACES = ("agent.log", "git:mcp-server", "terminal.png", "strangers.txt")
PLANTED = ("leaks/",)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("canary")]


class Watch(threading.Thread):
    """Keeps the command line and the environment of every process of this run that lives long enough to be seen."""

    def __init__(self, mark: str) -> None:
        super().__init__(daemon=True)
        self._mark, self._ended = mark.encode(), threading.Event()
        self.seen: set[bytes] = set()
        self.environments: set[tuple[bytes, bytes]] = set()
        """Command line and environment."""

    def run(self) -> None:
        while not self._ended.wait(0.01):
            for process in Path("/proc").iterdir():
                if process.name.isdecimal():
                    try:
                        environment, line = (process / "environ").read_bytes(), (process / "cmdline").read_bytes()
                    except OSError:
                        continue
                    if self._mark in environment:
                        self.seen.add(line)
                        self.environments.add((line, environment))

    def stop(self) -> None:
        self._ended.set()
        self.join()


@dataclass
class Canaries:
    """The world, every canary in it, and everything that was said."""

    world: World
    folder: Path
    watch: Watch
    values: dict[str, str] = field(repr=False)
    said: list[tuple[str, bytes]] = field(default_factory=list, repr=False)
    typed: dict[str, str] = field(default_factory=dict, repr=False)
    """Keys that a person typed where a name belongs: they stood on a command line before we could do anything."""

    def run(self, *arguments: str, stdin: str = "", expect: int | None = None, **environ: str) -> bytes:
        """Run a command at the highest log level; keep what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "keysweep", *arguments, "-vv"],
            input=stdin.encode(),
            capture_output=True,
            cwd=self.folder,
            env=self.world.environ() | environ,
            timeout=120,
        )
        self.said.append((" ".join(arguments), done.stdout + done.stderr))
        if expect is not None:
            assert done.returncode == expect, (arguments, done.returncode, done.stderr.decode()[-800:])
        return done.stdout

    @contextmanager
    def running(self, *arguments: str) -> Iterator[None]:
        """Run a command that stays, at the highest log level, for the length of a block; keep what it says."""
        process = subprocess.Popen(
            [sys.executable, "-m", "keysweep", *arguments, "-vv"],
            cwd=self.folder,
            env=self.world.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            process.terminate()
            said, _ = process.communicate(timeout=30)
            self.said.append((" ".join(arguments), said))

    def mistyped(self, what: str) -> str:
        """Return a key that is about to be typed in place of a name."""
        rule = next(rule for rule in load_ruleset().rules if rule.id == "openai-project-key")
        self.typed[what] = generate(rule, random.Random(f"canary {what}"))
        return self.typed[what]

    def new(self, name: str) -> str:
        """Return a fresh canary."""
        self.values[name] = f"canary-{secrets.token_urlsafe(32)}"
        return self.values[name]


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    """Plant the leaks, then start a world that can be told from all other processes."""
    folder, mark = tmp_path_factory.mktemp("canary"), uuid.uuid4().hex
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARY_RUN", mark)
        watch = Watch(mark)
        watch.start()
        with demo_world(folder) as world:
            keys = world.keys
            values = {
                "openai": keys.openai,
                "anthropic": keys.anthropic,
                "standby": keys.standby,
                "postgresql": keys.postgresql,
            }
            values |= {f"admin {number}": value for number, value in enumerate(keys.administering)}
            made = Canaries(world=world, folder=folder, watch=watch, values=values)
            _plant(made)
            yield made
        watch.stop()


def _plant(made: Canaries) -> None:
    leaks = made.folder / "leaks"
    leaks.mkdir()
    write_agent_log(leaks / "agent.log", made.values["openai"])
    make_repository(leaks / "mcp-server", f"DATABASE_URL={made.values['postgresql']}")
    (leaks / "terminal.png").write_bytes(render_terminal(["$ env", f"ANTHROPIC_API_KEY={made.values['anthropic']}"]))
    seed = random.Random(20261124)
    rules = [rule for rule in load_ruleset().rules if rule.examples]
    text = "\n".join(generate(rule, seed) for rule in rules)
    (leaks / "strangers.txt").write_text(text + "\n")
    made.values["an unknown key"] = next(word for word in re.findall(r"ghp_[0-9A-Za-z]{36}", text))


def _targets() -> list[str]:
    return [f"git:leaks/{p.removeprefix('git:')}" if p.startswith("git:") else f"leaks/{p}" for p in PLACES]


def _everyday(it: Canaries) -> None:
    it.run("init")
    it.run("doctor")
    it.run("doctor", "--json")
    it.run("rules", "list")
    it.run("keys", "list", expect=0)
    it.run("keys", "list", "--format", "json", expect=0)
    for name in ("orders-openai", "support-claude", "mcp-orders-db", "openai-admin"):
        it.run("keys", "show", name, expect=0)
    it.run("agents", "list", expect=0)
    it.run("agents", "status")


def _scans(it: Canaries) -> None:
    for form in ("text", "json", "jsonl", "sarif"):
        it.run("scan", *_targets(), "-o", form, expect=1)
        it.run("scan", *_targets(), "-o", f"{form}=result.{form}", expect=1)
    it.run("scan", *_targets(), "--write-baseline", "accepted.json")
    it.run("scan", *_targets(), "--baseline", "accepted.json")
    it.run("scan", *_targets(), "--no-map", expect=1)
    it.run("scan", "-", stdin=f"token={it.values['standby']}\n", expect=1)
    it.run("rules", "try", "openai-service-account-key", stdin=it.values["openai"])


def _storing(it: Canaries) -> None:
    it.run("keys", "add", "from-pipe", "--provider", "custom", stdin=it.new("piped"), expect=0)
    it.run("keys", "add", "from-pipe", "--provider", "custom", stdin=it.new("refused: name taken"), expect=2)
    it.run("keys", "add", "a bad name", "--provider", "custom", stdin=it.new("refused: no name"), expect=2)
    it.run("keys", "set", "from-pipe", stdin=it.new("set"), expect=0)
    it.run("keys", "set", "nobody", stdin=it.new("refused: unknown"), expect=2)
    private = it.folder / "value.txt"
    private.write_text(it.new("from a file"))
    private.chmod(0o644)
    it.run("keys", "add", "from-file", "--provider", "custom", "--from-file", "value.txt", expect=2)
    private.chmod(0o600)
    it.run("keys", "add", "from-file", "--provider", "custom", "--from-file", "value.txt", expect=0)
    private.unlink()
    bad = {
        "jsonl": f'{{"name": "a", "provider": "custom", "value": "{it.new("broken json")}"',
        "csv": f"name,provider,worth\na,custom,{it.new('unknown column')}\n",
        "dotenv": f"A={it.new('dotenv')}\nnot a line {it.new('no assignment')}\n",
    }
    for form, text in bad.items():
        it.run("keys", "import", "-", "--format", form, stdin=text)
    row = {"name": "b", "provider": "custom", "value": it.new("bad moment"), "created_at": "yesterday"}
    it.run("keys", "import", "-", "--format", "jsonl", stdin=json.dumps(row), expect=2)
    it.run("keys", "import", "-", "--partial", stdin=json.dumps(row))


def _rotations(it: Canaries) -> None:
    it.run("rotate", "--compromised", "--plan", expect=0)
    it.run("rotate", "--event", "-", "--plan", stdin=json.dumps({"key": it.values["openai"], "reason": "seen"}))
    it.run("rotate", "--event", "-", "--yes", stdin=f'{{"key": "{it.values["openai"]}"')
    it.run("rotate", "--event", "-", "--yes", stdin=json.dumps({"kez": it.values["anthropic"]}))
    it.world.control("faults", {"vendor": "openai", "fault": "fail-after", "count": 1})
    it.run("rotate", "orders-openai", "--yes")
    it.run("rotate", "--list")
    it.run("rotate", "--compromised", "--yes", expect=5)  # the standby that was seen, too, is a person's to replace
    it.run("rotate", "support-claude", "--yes", "--compromised")


def _crash(it: Canaries) -> None:
    """Kill a rotation once a new value was minted, then take it up again."""
    database = it.folder / "store" / "keysweep.db"

    def minted() -> bool:
        query = (
            "SELECT count(*) FROM rotation r JOIN journal j ON j.rotation_id = r.id "
            "WHERE r.finished_at IS NULL AND j.step IN ('mint', 'seal') AND j.phase = 'outcome'"
        )
        reading = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            return bool(reading.execute(query).fetchone()[0])
        finally:
            reading.close()

    process = subprocess.Popen(
        [sys.executable, "-m", "keysweep", "rotate", "orders-openai", "--yes", "-vv"],
        cwd=it.folder,
        env=it.world.environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for(minted, "a minted value")
    process.send_signal(signal.SIGKILL)
    stdout, stderr = process.communicate()
    it.said.append(("rotate, killed", stdout + stderr))
    _collect(it)
    listed = it.run("rotate", "--list").decode()
    (identifier,) = re.findall(r"\b[0-9a-f]{12,32}\b", listed)[:1]
    it.run("rotate", "--resume", identifier)


def _evidence(it: Canaries) -> None:
    for ending in ("pdf", "html", "csv", "json"):
        it.run("report", "-o", f"report.{ending}", expect=0)
        it.run("verify", f"report.{ending}", expect=0)
    it.run("audit", expect=0)
    (it.folder / "ledger.jsonl").write_bytes(it.run("audit", "-o", "jsonl", expect=0))
    it.run("audit", "-o", "json", "--action", "key.*", expect=0)
    it.run("audit", "checkpoint", "--to", "anchors", expect=0)
    it.run("audit", "verifier", expect=0)
    it.run("verify", "--anchor", "anchors", expect=0)
    it.run("verify", "ledger.jsonl", "--anchor", "anchors")


def _errors(it: Canaries) -> None:
    _copy_store(it, "damaged.db", "UPDATE version SET sealed = substr(sealed, 1, 40) WHERE sealed IS NOT NULL")
    it.run("scan", *_targets(), "--store", "damaged.db")
    it.run("rotate", "orders-openai", "--yes", "--store", "damaged.db")
    _copy_store(it, "broken.db", "DROP TABLE version_print")
    it.run("keys", "add", "lost", "--provider", "custom", "--store", "broken.db", stdin=it.new("in a bug"), expect=70)
    it.run("init", "--store", "other.db", "--key-file", "other.key", expect=0)
    it.run("keys", "list", "--key-file", "other.key", expect=6)
    config = (it.folder / "keysweep.toml").read_text().replace(it.world.vendors, "http://127.0.0.1:9")
    (it.folder / "nobody.toml").write_text(f"{config}\n[rotation]\ndeadline_s = 2.0\n")
    it.run("rotate", "orders-openai", "--yes", "--config", "nobody.toml")
    it.run("resolve", "orders-openai", "--agent", "support", expect=6)
    it.run("run", "--agent", "nobody", "--", "true", expect=2)


def _copy_store(it: Canaries, name: str, damage: str) -> None:
    reading, writing = sqlite3.connect(it.folder / "store" / "keysweep.db"), sqlite3.connect(it.folder / name)
    reading.backup(writing)
    writing.execute(damage)
    writing.commit()
    reading.close()
    writing.close()
    (it.folder / name).chmod(0o600)


def _inventory(it: Canaries) -> None:
    """What is known of credentials, and keys that were typed where public text belongs."""
    it.run("keys", "add", "edited", "--provider", "custom", "--class", "internal", stdin=it.new("edited"), expect=0)
    it.run("keys", "edit", "edited", "--owner", "ann", "--environment", "test", expect=0)
    it.run("keys", "set-id", "edited", "id-1", expect=0)
    it.run("keys", "add", "edited", "--provider", "custom", "--standby", stdin=it.new("spare"), expect=0)
    it.run("keys", "reconcile")
    it.run("keys", "reconcile", "--provider", "openai", "-o", "json", "--check")
    approved = ("--risk-analysis", "TRA-1", "--approved-by", "ann")
    it.run("policy", "set", "--class", "internal", "--max-age", "30d", *approved, expect=0)
    it.run("policy", "except", "edited", "--until", "10d", "--reason", "vendor", "--approved-by", "ann", expect=0)
    it.run("policy", "list", expect=0)
    it.run("agents", "add", "late", expect=0)
    it.run("agents", "bind", "late", "edited", expect=0)
    it.run("keys", "add", it.mistyped("name"), "--provider", "custom", stdin=it.new("under a bad name"), expect=2)
    it.run("keys", "edit", "edited", "--owner", it.mistyped("owner"), expect=2)
    it.run("keys", "retire", "edited", "--reason", it.mistyped("reason"), expect=2)
    it.run(
        "policy", "except", "edited", "--until", "9d", "--reason", it.mistyped("why"), "--approved-by", "a", expect=2
    )
    it.run("agents", "add", it.mistyped("agent"), expect=2)
    it.run("match", "new", it.mistyped("label"), "--out", "never.key", expect=2)
    it.run("keys", "retire", "edited", "--reason", "not used", expect=0)
    it.run("keys", "show", "edited", expect=0)


def _mapping(it: Canaries) -> None:
    """A runner's key, its list, and what is known of each finding."""
    it.run("match", "new", "ci", "--out", "match.key", expect=0)
    it.run("match", "export", "list.json", expect=0)
    for more in ((), ("--store", "list.json")):
        it.run("scan", *_targets(), "--key-file", "match.key", "-o", "json", *more, expect=1)
    it.run("keys", "list", "--key-file", "match.key", expect=6)
    found = json.loads(it.run("scan", *_targets(), "-o", "json", expect=1))["findings"]
    for finding in found:
        if finding["credential"]:
            for form in ("text", "json"):
                it.run("explain", finding["id"], "-o", form, expect=0)
                it.run("explain", finding["fingerprint"], "-o", form, expect=0)
    it.run("explain", "orders-openai", expect=0)
    it.run("match", "list", expect=0)
    it.run("match", "revoke", "ci", expect=0)
    it.run("scan", *_targets(), "--key-file", "match.key", expect=6)
    for rule in ("openai-project-key", "nothing-of-that-name"):
        it.run("rules", "show", rule)
        it.run("explain", rule)
    it.run("rules", "check", expect=0)


def _residents(it: Canaries) -> None:
    """The daemon, asked by a scan and by an agent that may not; and the broker, whose agent sees placeholders alone."""
    quiet = str(it.folder / "daemon.sock")
    with it.running("daemon", "--socket", quiet):
        wait_for(Path(quiet).exists, "the daemon")
        it.run("agents", "users", "orders", "--users", "nobody", expect=0)
        it.run("agents", "users", "orders", expect=0)
        it.run("scan", *_targets(), "-o", "json", expect=1, KEYSWEEP_SOCKET=quiet)
        it.run("resolve", "orders-openai", "--agent", "support", expect=6, KEYSWEEP_SOCKET=quiet)
        it.run("doctor", KEYSWEEP_SOCKET=quiet)
    it.run("resolve", "orders-openai", "--agent", "orders", expect=6, KEYSWEEP_SOCKET=quiet)
    it.run("agents", "add", "brokered", "--kind", "broker", expect=0)
    it.run("agents", "bind", "brokered", "orders-openai", "--variable", "OPENAI_API_KEY", expect=0)
    it.run("resolve", "orders-openai", "--agent", "brokered", expect=6)
    it.run("broker", "--agent", "brokered", "--env", expect=0)
    address = str(it.folder / "broker.sock")
    with it.running("broker", "--agent", "brokered", "--listen", f"unix:{address}"):
        wait_for(Path(address).exists, "the broker")
    it.run("broker", "--agent", "brokered", "--listen", f"unix:{address}", "--", "sh", "-c", "env; sleep 0.3", expect=0)


def _slots(it: Canaries) -> None:
    """More ways to open the store, and a new master key under all of it."""
    phrase = it.folder / "phrase.txt"
    phrase.write_text(it.new("passphrase"))
    phrase.chmod(0o600)
    with_phrase = {"KEYSWEEP_PASSPHRASE_FILE": str(phrase)}
    it.run("vault", "add-slot", "passphrase", "--label", "break-glass", expect=0, **with_phrase)
    listed = it.run("vault", "slots", expect=0).decode()
    identifier = next(line.split()[0] for line in listed.splitlines() if "passphrase" in line)
    it.run("vault", "rekey-slot", identifier, **with_phrase)
    it.run("vault", "rotate-master", expect=0)
    it.run("vault", "remove-slot", identifier, **with_phrase)
    it.run("keys", "list", expect=0)
    phrase.unlink()


def _abort(it: Canaries) -> None:
    """A command that dies of SIGABRT with a key in its hands, where core dumps are allowed, leaves none."""
    script = 'ulimit -c unlimited; exec "$@"'
    process = subprocess.Popen(
        ["sh", "-c", script, "sh", sys.executable, "-m", "keysweep", "keys", "set", "from-pipe", "-vv"],
        cwd=it.folder,
        env=it.world.environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(it.new("in the hands of a process that died").encode())
    process.stdin.flush()
    # The limit may be 0 before the shell raises it, too: only behind the shell it says that our program lowered it.
    wait_for(lambda: _is_ours(process.pid) and _core_limit(process.pid) == b"0", "a process that has the store open")
    time.sleep(0.3)  # for the bytes to be read; the end of its input never comes
    os.kill(process.pid, signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status)
    process.returncode = -signal.SIGABRT
    it.said.append(("keys set, aborted", b"".join(process.communicate())))


def _is_ours(pid: int) -> bool:
    return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(os.fsencode(sys.executable))


def _core_limit(pid: int) -> bytes:
    """The soft limit of core dumps of a process, as the kernel tells it."""
    lines = Path(f"/proc/{pid}/limits").read_bytes().splitlines()
    return next(line.split()[4] for line in lines if line.startswith(b"Max core file size"))


def _agent(it: Canaries) -> None:
    """An agent gets its key in the environment of its own process and nowhere else."""
    it.run(
        "run",
        "--agent",
        "orders",
        "--",
        sys.executable,
        "-c",
        "import os, time; assert os.environ['OPENAI_API_KEY']; time.sleep(0.5)",  # until it has been looked at
        expect=0,
    )


def _collect(it: Canaries) -> None:
    """Learn the values that were minted so far, from the vault."""
    settings = load_settings(environ={}, directory=it.folder, data_dir=it.folder, config=it.folder / "keysweep.toml")
    opened = unlock(settings)
    try:
        with opened.database.read() as connection:
            for credential, version in store.live_versions(connection):
                value = opened.vault.open_version(connection, version.ref).reveal_text()
                it.values[f"{credential.name} v{version.ref.number}"] = value
    finally:
        opened.close()


PATHS: dict[str, Callable[[Canaries], None]] = {
    "everyday": _everyday,
    "scans": _scans,
    "storing": _storing,
    "inventory": _inventory,
    "mapping": _mapping,
    "residents": _residents,
    "slots": _slots,
    "abort": _abort,
    "agent": _agent,
    "rotations": _rotations,
    "crash": _crash,
    "evidence": _evidence,
    "errors": _errors,
}


@pytest.fixture(scope="module")
def walked(canaries: Canaries) -> Canaries:
    """Every path, in this order; then the values that came to be on the way are known too."""
    for path in PATHS.values():
        path(canaries)
        _collect(canaries)
    return canaries


def test_nothing_that_was_said_holds_a_key(walked: Canaries) -> None:
    """Standard output and standard error of every command, at the highest log level."""
    looked_for = needles(walked.values)
    told = {command: found for command, said in walked.said if (found := found_in(said, looked_for))}
    assert told == {}
    assert len(walked.said) > 50


def test_no_file_holds_a_key(walked: Canaries) -> None:
    """Store, write-ahead log, copies, results in every format, reports, ledger, caches, simulators; but for the planted leaks."""
    looked_for = needles(walked.values)
    planted = [("leaks/", name) for name in walked.values]
    assert found_below([walked.folder], looked_for, but=planted) == []
    assert {"orders-openai v2", "piped", "set"} <= set(walked.values)


def test_no_process_had_a_key_on_its_command_line(walked: Canaries) -> None:
    """Git, OCR, PostgreSQL and our own: what other users of the machine can read."""
    looked_for = needles(walked.values)
    lines = walked.watch.seen
    assert any(b"keysweep" in line for line in lines)
    assert any(b"tesseract" in line or b"git" in line for line in lines)
    assert {line for line in lines if found_in(line, looked_for)} == set()


_OURS = {b"keysweep", b"git", b"tesseract"}


def test_no_environment_but_that_of_an_agent_held_a_key(walked: Canaries) -> None:
    """Agents get theirs there; no process of ours, no git and no OCR engine does."""
    looked_for = needles(walked.values | walked.typed)
    holding = {line for line, environment in walked.watch.environments if found_in(environment, looked_for)}
    assert holding, "the agents of the world hold their keys: else this says nothing"
    assert {
        line for line in holding if _OURS.intersection(word.rpartition(b"/")[2] for word in line.split(b"\0"))
    } == set()


def test_a_key_that_was_typed_for_a_name_is_neither_said_nor_kept(walked: Canaries) -> None:
    """Name, owner, reason, agent, label: refused before it is stored or repeated."""
    looked_for = needles(walked.typed)
    assert len(looked_for) == 6
    # The first word of what was said is what was typed: only what the program answered counts.
    assert [found for _, answer in walked.said if (found := found_in(answer, looked_for))] == []
    assert found_below([walked.folder], looked_for) == []


def test_the_search_sees_the_planted_leaks(walked: Canaries) -> None:
    """Else the tests above would say nothing."""
    seen = {name for _, name in found_below([walked.folder / "leaks"], needles(walked.values))}
    assert {"openai", "postgresql", "an unknown key"} <= seen


@pytest.mark.parametrize("form", sorted(forms("x" * 20)))
def test_the_search_sees_a_key_in_each_form(form: str, tmp_path: Path) -> None:
    """In the middle of other bytes, and only if the key is there."""
    value, other = (secrets.token_urlsafe(60) for _ in range(2))
    middle = value[28:52]
    (tmp_path / "file.bin").write_bytes(b"\x00abc" + forms(middle)[form] + b"xyz\xff")
    looked_for = needles({"canary": value, "another": other})
    assert found_below([tmp_path], looked_for) == [("file.bin", "canary")]


def test_the_search_unpacks_what_is_compressed(tmp_path: Path) -> None:
    """Streams and attachments of a PDF, git's objects, gzip, archives."""
    import gzip
    import zipfile
    import zlib

    import pikepdf

    value = secrets.token_urlsafe(60)
    document = pikepdf.new()
    document.add_blank_page()
    document.attachments["a.csv"] = (f"name,{value}\n" * 50).encode()
    document.save(tmp_path / "a.pdf", compress_streams=True)
    (tmp_path / "b.gz").write_bytes(gzip.compress(value.encode() * 9))
    (tmp_path / "c").write_bytes(zlib.compress(value.encode() * 9))
    with zipfile.ZipFile(tmp_path / "d.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.txt", value * 9)
    names = [place for place, _ in found_below([tmp_path], needles({"canary": value}))]
    assert names == ["a.pdf", "b.gz", "c", "d.zip"]


def test_every_command_is_walked(walked: Canaries) -> None:
    """A new command or subcommand must come past here; `resolve` is walked where it refuses."""
    from keysweep.commands._tree import TREE
    from scripts.write_docs import commands_of

    tree = {context.command_path.removeprefix("keysweep").strip(): command for context, command in commands_of(TREE)}
    leaves = {path for path in tree if path and not any(other.startswith(f"{path} ") for other in tree)}
    walked_ones = {path for command, _ in walked.said for path in leaves if f"{command} ".startswith(f"{path} ")}
    assert leaves - walked_ones == set()
