"""`keysweep scan` where a daemon is named: it learns whose leaked keys are, and holds nothing of the store."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysweep import commands
from keysweep.foundation.errors import DeniedError
from keysweep.rotation.daemon.asking import Resident
from keysweep.rotation.daemon.client import NoDaemonError
from keysweep.rotation.daemon.protocol import Known
from keysweep.rotation.vault.generation import all_keys
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate
from keysweep.scanner.known import KnownState, MatchKind
from tests.commands.test_scan_keys_in_memory import memory
from tests.fakes.daemons import STRANGER, House, as_stranger, daemon, furnish, house, needs_open_checkout, needs_root
from tests.fakes.program import keysweep

UNSHAPED = "Zq-unshaped-8812-of-orders"
PASSWORD = "Pw7-password-of-the-orders-db"


@pytest.fixture(scope="module")
def value() -> str:
    """A synthetic key whose form a rule knows."""
    rule = next(rule for rule in load_ruleset().rules if rule.id == "openai-project-key")
    return generate(rule, random.Random(5))


@pytest.fixture(scope="module")
def home(value: str) -> Iterator[House]:
    """A store with a daemon that a scanner of another user may ask."""
    with house() as made:
        keys = {
            "orders-key": ("orders", value),
            "unshaped-key": ("orders", UNSHAPED),
            "database": ("orders", f"postgresql://agent:{PASSWORD}@db.example/orders"),
        }
        furnish(made, keys, {"orders": ("process", "")})
        config = made.folder / "store" / "keysweep.toml"
        config.write_text(f'[daemon]\nscanners = "{STRANGER}"\n')
        with daemon(made, "--shared", environ={"KEYSWEEP_CONFIG": str(config)}):
            yield made


@pytest.fixture(autouse=True)
def matcher_is_kept(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans of this module share what they compile."""
    monkeypatch.setenv("XDG_CACHE_HOME", home.environ["XDG_CACHE_HOME"])


@pytest.fixture
def leak(private_world: Path, value: str) -> Path:
    """A file that leaks all of them, and a stranger's key."""
    rule = next(rule for rule in load_ruleset().rules if rule.id == "anthropic-api-key")
    path = private_world / "leak.txt"
    path.write_text(
        f"key = {value}\nagain = {value}\nmine={UNSHAPED}\nother={generate(rule, random.Random(1))}\n"
        f"DATABASE_URL=postgresql://other:{PASSWORD}@elsewhere.example/orders\n"
    )
    return path


def findings(output: str) -> set[tuple[str, str, str, str, int]]:
    """What a scan found: id, rule, credential, how it was recognised, in how many places."""
    return {
        (
            finding["id"],
            finding["rule"],
            (finding["credential"] or {}).get("name", ""),
            (finding["credential"] or {}).get("match", ""),
            len(finding["occurrences"]),
        )
        for finding in json.loads(output)["findings"]
    }


def test_it_maps_what_the_store_maps(home: House, leak: Path) -> None:
    """Whole values, components and values without a form; with the same ids, so that a baseline or a ticket goes on."""
    asked = keysweep("scan", leak, "-o", "json", environ={"KEYSWEEP_SOCKET": str(home.socket)})
    opened = keysweep("scan", leak, "-o", "json", environ=home.environ)
    assert findings(asked.stdout) == findings(opened.stdout)
    assert {found[2:4] for found in findings(asked.stdout)} == {
        ("orders-key", "exact"),
        ("unshaped-key", "exact"),
        ("database", "part"),
        ("", ""),
    }
    assert asked.returncode == opened.returncode == 1


def test_several_processes_ask_alike(home: House, leak: Path) -> None:
    """`--jobs`, which forks."""
    named = {"KEYSWEEP_SOCKET": str(home.socket)}
    done = [keysweep("scan", leak, "-o", "json", *more, environ=named) for more in ((), ("--jobs", "2"))]
    assert findings(done[0].stdout) == findings(done[1].stdout)


def test_the_ledger_says_that_it_ran(home: House, leak: Path) -> None:
    """Which process asked, as the kernel says, and what the scan said of itself; no finding is stored on its word."""
    before = len(home.said("match.asked", "scan.finished"))
    keysweep("scan", leak, environ={"KEYSWEEP_SOCKET": str(home.socket)})
    asked, finished = home.said("match.asked", "scan.finished")[before:]
    assert asked.detail["pid"] == finished.detail["pid"]
    assert (asked.actor, finished.detail["findings"], finished.detail["mapped"]) == (f"uid:{os.getuid()}", 4, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read where Linux shows it")
def test_no_key_of_the_store_is_in_its_memory(home: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it reads the first byte of what it scans: nothing that opens, writes or signs, and not the key of fingerprints either."""
    with home.open() as opened:
        keys = all_keys(opened.ring.current)
        with opened.database.read() as connection:
            (master,) = opened.ring.masters(connection).values()
    for name, text in home.environ.items():
        monkeypatch.setenv(name, text)
    full = memory(tmp_path)
    assert keys.wrap in full
    monkeypatch.setenv("KEYSWEEP_SOCKET", str(home.socket))
    asking = memory(tmp_path)
    assert str(home.socket).encode() in asking
    for key in (master, keys.wrap, keys.audit, keys.signing, keys.ring, keys.fingerprint):
        assert key not in asking


@needs_root
@needs_open_checkout
def test_a_user_who_can_read_neither_store_nor_key_file_maps(
    home: House, leak: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that the settings list among the scanners."""
    readable = home.folder / "leak.txt"
    readable.write_bytes(leak.read_bytes())
    readable.chmod(0o644)
    monkeypatch.setenv("KEYSWEEP_SOCKET", str(home.socket))
    # Nobody can keep it there: both users make the matcher of that rule.
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    monkeypatch.chdir("/")

    def scanned() -> bytes:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            commands.execute(["scan", str(readable), "-o", "json", "--no-ocr", "--rule", "openai-project-key"])
        return said.getvalue().encode()

    def alone() -> bytes:
        with pytest.raises(PermissionError):
            home.settings.key_file.read_bytes()
        return scanned()

    expected = findings(scanned().decode())  # which imports all that the other user cannot
    assert ("orders-key", "exact") in {found[2:4] for found in expected}
    assert expected == findings(as_stranger(alone).decode())
    assert home.said("scan.finished")[-1].detail["uid"] == STRANGER


@pytest.mark.parametrize(
    "arguments", [("scan", "leak.txt"), ("resolve", "ORDERS_KEY", "--agent", "orders")], ids=" ".join
)
def test_nothing_is_opened_where_the_daemon_is_silent(home: House, leak: Path, arguments: tuple[str, ...]) -> None:
    """Exit 6 with the next command, though the store is at hand; a flag that names the store says to open it here."""
    silent = {**home.environ, "KEYSWEEP_SOCKET": str(home.folder / "none.sock")}
    done = keysweep(*arguments, environ=silent)
    assert (done.returncode, done.stdout) == (6, "")
    assert f"Next: keysweep daemon --socket {home.folder / 'none.sock'}" in done.stderr
    assert keysweep(*arguments, "--store", home.settings.store, environ=silent).returncode in {0, 1}


def test_the_settings_may_name_the_socket(home: House, leak: Path) -> None:
    """Relative to their own file, for both commands."""
    (home.folder / "client.toml").write_text('[daemon]\nsocket = "run/daemon.sock"\n')
    named = {"KEYSWEEP_CONFIG": str(home.folder / "client.toml")}
    assert "= orders-key v1" in keysweep("scan", leak, environ=named).stdout
    assert keysweep("resolve", "UNSHAPED_KEY", "--agent", "orders", environ=named).stdout == UNSHAPED


def told(name: str, state: str, match: str = "exact", version: int = 1) -> list[object]:
    """A credential as the daemon says it."""
    return [name, "custom", version, state, match, 1.0, None]


def scripted(*answers: dict[str, object] | DeniedError) -> Resident:
    """A store whose daemon says this, question by question."""
    waiting = iter([{"inventory": "kf:1", "shapes": [["key_", 20]], "lengths": [12]}, *answers])

    def ask(_question: Known) -> dict[str, object]:
        answer = next(waiting)
        if isinstance(answer, DeniedError):
            raise answer
        return answer

    return Resident(ask)


def one(number: int, owner: list[object] | None = None) -> dict[str, object]:
    """What the daemon says of one value."""
    return {"print": "kf:" + f"{number:02x}" * 32, "owner": owner, "named": None}


def test_a_value_that_comes_again_is_not_asked_about_again() -> None:
    """Its fingerprint is remembered, by a hash that nobody can test guesses with later."""
    known = scripted({"known": [one(1), one(2)]}, {"known": [one(3)]})
    assert [p.digest[0] for p in known.of_each([b"a", b"b", b"a"])] == [1, 2, 1]
    assert [p.digest[0] for p in known.of_each([b"b", b"c", b"c"])] == [2, 3, 3]


def test_a_component_is_a_part_of_whose_it_is() -> None:
    """A live credential goes before a retired one, and a whole value before all."""
    parts = {"known": [one(2, told("old", "retired")), one(3, told("live", "current", "part"))]}
    known = scripted({"known": [one(1)]}, parts, {"known": [one(4, told("whole", "retired"))]})
    (whole,), (first, second), (exact,) = (list(known.of_each(v)) for v in ([b"w"], [b"x", b"y"], [b"z"]))
    found = known.owner(whole, (first, second))
    assert found is not None
    assert (found.name, found.match, found.state) == ("live", MatchKind.PART, KnownState.CURRENT)
    assert known.owner(whole) is None
    assert getattr(known.owner(exact, (second,)), "name", None) == "whole"


def test_a_scan_does_not_end_well_without_its_daemon() -> None:
    """One that goes away meanwhile ends it with 6: what it did not answer must not count as a stranger's."""
    known = scripted({"known": [one(1)]}, NoDaemonError("gone"))
    list(known.of_each([b"a"]))
    with pytest.raises(NoDaemonError):
        known.digest()
