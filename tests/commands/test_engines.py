"""Every command says and does the same on SQLite and on a real PostgreSQL: one story, told twice, word for word."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate
from samples.servers.postgres import Server
from tests.fakes.command_line import Ended, command
from tests.fakes.engines import engine_server, new_database

__all__ = ["engine_server"]

pytestmark = pytest.mark.xdist_group("postgresql")

APPROVED = ("--risk-analysis", "TRA-1", "--approved-by", "officer")
_DIFFERENT = {
    r"KAR-\S+": "REPORT",
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?": "TIME",
    r"\b(kf:|f-|sha256:)?[0-9a-f]{8,}…?": "HEX",
    r"[\d,]+ bytes": "SIZE",
    r"\d+(\.\d+)? (ms|s)\b": "TAKEN",
    r'"(wall_s|pid)": [\d.]+': "NUMBER",
    r" {2,}|-{2,}": "  ",
}
"""What no two stores have in common."""


@dataclass
class Teller:
    """Runs commands on one store and keeps what they said."""

    folder: Path
    store: str
    _by_id: bool = False
    """What is said now is in the order of ids, which differ: only its words are compared."""
    told: list[tuple[str, int, list[str]]] = field(default_factory=list)

    def __call__(self, *arguments: str, value: str = "", code: int = 0, **environ: str) -> str:
        """Run a command; *value* is what a key command reads from a private file."""
        if value:
            private = self.folder / "value"
            private.touch(mode=0o600)
            private.write_text(value)
            arguments += ("--from-file", "value")
        ended: Ended = command(self.environ | environ, self.folder, *arguments)
        assert ended.code == code, (arguments, ended.output)
        self._by_id = arguments[0] in {"scan", "explain"}
        self.told.append((" ".join(self._in_common(" ".join(arguments))), ended.code, self._in_common(ended.output)))
        return ended.output

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the commands."""
        return {
            "KEYSWEEP_STORE": self.store,
            "KEYSWEEP_KEY_FILE": str(self.folder / "store.key"),
            "KEYSWEEP_PASSPHRASE_FILE": str(self.folder / "phrase"),
        }

    def _in_common(self, output: str) -> list[str]:
        place = self.store.split("@")[-1]
        output = output.replace(place, "STORE").replace(str(self.folder), "FOLDER")
        for pattern, name in _DIFFERENT.items():
            output = re.sub(pattern, name, output)
        lines = [line.rstrip(",") for line in output.splitlines()]
        return sorted(re.findall(r"[^\s,{}\[\]]+", " ".join(lines))) if self._by_id else lines


def key(seed: int) -> str:
    """A synthetic key whose form a rule knows."""
    return generate(next(r for r in load_ruleset().rules if r.id == "openai-project-key"), random.Random(seed))


def inventory(tell: Teller) -> None:
    """`keys`, `agents`, `policy`."""
    tell("keys", "add", "b", "--provider", "openai", "--owner", "ann", "--class", "payments", value=key(1))
    tell("keys", "add", "B", "--provider", "openai", "--key-id", "id-1", value=key(2))
    tell("keys", "add", "a.b", "--provider", "custom", value="a value that no rule knows")
    tell("keys", "add", "b", "--provider", "openai", "--standby", value=key(3))
    tell("keys", "add", "b", "--provider", "openai", value=key(4), code=2)
    tell("keys", "set", "b", value=key(5))
    tell("keys", "set-id", "b", "id-2")
    tell("keys", "edit", "b", "--environment", "production", "--runbook", "https://wiki.example/b")
    (tell.folder / "rows.jsonl").write_text(
        "".join(
            f'{{"name":"row-{n}","provider":"custom","value":"value number {n}","agent":"late"}}\n' for n in range(30)
        )
    )
    tell("keys", "import", "rows.jsonl")
    tell("keys", "import", "rows.jsonl")
    tell("agents", "add", "web")
    tell("agents", "bind", "web", "b")
    tell("agents", "list")
    tell("agents", "status", code=0)
    tell("policy", "set", "--max-age", "30d", *APPROVED)
    tell("policy", "set", "--class", "payments", "--max-age", "7d", *APPROVED)
    tell("policy", "except", "B", "--until", "30d", "--reason", "vendor", "--approved-by", "officer")
    tell("policy", "list")
    tell("policy", "list", "-o", "json")
    for more in ([], ["--owner", "ann"], ["--sort", "age"], ["--limit", "5", "--page", "2"], ["-o", "json"]):
        tell("keys", "list", *more)
    tell("keys", "show", "b")
    tell("keys", "show", "b", "-o", "json")
    tell("rotate", "--due", "--plan")
    tell("keys", "retire", "B", "--reason", "merged")
    tell("keys", "list", "--retired")
    tell("resolve", "b", "--agent", "late", code=6)


def mapping(tell: Teller) -> None:
    """`scan` with mapping, `match`, `explain`."""
    leaks = tell.folder / "leaks"
    leaks.mkdir()
    for number in (1, 2, 3, 5, 99):
        (leaks / f"{number}.log").write_text(f"OPENAI_API_KEY={key(number)}\n" * 2)
    tell("match", "new", "ci", "--out", "match.key")
    tell("match", "export", "list.json")
    ids = re.findall(r'"id": "(f-[0-9a-f]+)"', tell("scan", "leaks", "-o", "json", code=1))
    tell("scan", "leaks", code=1)
    tell("scan", "leaks", "--key-file", "match.key", code=1)
    tell("scan", "leaks", "--key-file", "match.key", "--store", "list.json", code=1)
    tell("match", "list")
    tell("match", "revoke", "ci")
    tell("scan", "leaks", "--key-file", "match.key", code=6)
    assert len(ids) == 5
    said = {found: tell("explain", found) for found in ids}
    assert len(set(said.values())) == 5
    tell.told[-5:] = sorted(tell.told[-5:], key=lambda one: one[2])
    tell("explain", "B", "-o", "json")
    tell("explain", "nobody", code=2)


def hierarchy(tell: Teller) -> None:
    """`vault`."""
    tell("vault", "slots", "--test")
    tell("vault", "add-slot", "passphrase", "--label", "safe")
    tell("vault", "add-slot", "key-file", "--out", "spare.key", "--label", "spare")
    tell("vault", "rotate-master", "--batch", "7")
    tell("vault", "rekey-slot", "spare", "--key-file", "spare.key")
    tell("vault", "remove-slot", "spare")
    tell("verify", "--key-file", "spare.key")
    (tell.folder / "store.key").rename(tell.folder / "away.key")
    tell("vault", "rotate-master")
    tell("verify")
    (tell.folder / "away.key").rename(tell.folder / "store.key")
    tell("scan", "leaks", code=1)


def evidence(tell: Teller) -> None:
    """`audit`, `verify`, `report`, `doctor`."""
    tell("audit")
    (tell.folder / "ledger.jsonl").write_text(tell("audit", "-o", "jsonl"))
    tell("audit", "--key", "b", "-o", "json")
    tell("audit", "checkpoint", "--to", "anchors")
    tell("verify", "--anchor", "anchors")
    tell("verify", "ledger.jsonl", "--anchor", "anchors")
    for form in ("json", "csv"):
        tell("report", "-o", f"report.{form}")
        tell("verify", f"report.{form}")
    tell("report", "--check", "--max-age", "90d")
    tell("doctor")
    tell("init")


STORY: tuple[Callable[[Teller], None], ...] = (inventory, mapping, hierarchy, evidence)


def test_a_story_reads_the_same_on_both_engines(tmp_path: Path, engine_server: Server) -> None:
    """Output and exit code of every command, but for times, ids and fingerprints."""
    tellers = []
    for name in ("sqlite", "postgresql"):
        folder = tmp_path / name
        (folder / "store").mkdir(parents=True, mode=0o700)
        (folder / "phrase").touch(mode=0o600)
        (folder / "phrase").write_text("correct horse battery staple")
        store = str(folder / "store" / "store.db") if name == "sqlite" else new_database(engine_server)
        tell = Teller(folder, store)
        tell("init")
        for part in STORY:
            part(tell)
        tellers.append(tell)
    on_sqlite, on_postgresql = tellers
    for one, other in zip(on_sqlite.told, on_postgresql.told, strict=True):
        assert one == other
    password = on_postgresql.store.split(":")[2].partition("@")[0]
    assert not [said for said in on_postgresql.told if password in str(said)]
