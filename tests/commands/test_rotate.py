"""`keysweep rotate` as people use it: what it shows, what it refuses, and how it ends."""

from __future__ import annotations

import base64
import hmac
import json
import time
from pathlib import Path

import pytest

from tests.fakes.canaries import forms
from tests.fakes.command_line import Ended, Point, command
from tests.fakes.fixtures import vendors, world
from tests.fakes.stores import NAMES, World

__all__ = ["vendors", "world"]
_ALL = ("openai", "anthropic")


def _rotate(world: World, *arguments: str) -> Ended:
    ended = command(world.environ, world.folder, "rotate", *arguments)
    said = ended.output.encode()
    assert [form for value in world.planted.values() for form, needle in forms(value).items() if needle in said] == []
    assert "\x1b" not in ended.output
    return ended


def _untouched(world: World) -> bool:
    return (
        all(world.vendors.live(kind) == {world.ids[kind]} for kind in _ALL)
        and "rotation.started" not in world.actions()
    )


def _leak(world: World, *kinds: str) -> None:
    """Let the keys of these kinds be found in a log."""
    (world.folder / "a.log").write_text("".join(f"key={world.planted[kind]}\n" for kind in kinds))
    assert command(world.environ, world.folder, "scan", "a.log").code == 1


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        pytest.param((NAMES["openai"],), "planned", id="a key"),
        pytest.param((NAMES["openai"], "--compromised"), "forced", id="a key that is compromised"),
        pytest.param((NAMES["openai"], NAMES["anthropic"]), "take-standby", id="several keys"),
    ],
)
def test_a_plan_shows_the_steps_and_stops(arguments: tuple[str, ...], shown: str, world: World) -> None:
    """Nothing is called, nothing is started, and the output says so."""
    ended = _rotate(world, *arguments, "--plan")
    assert ended.code == 0
    assert shown in ended.output
    assert "Nothing was changed." in ended.output
    assert _untouched(world)


def test_without_a_terminal_and_without_yes_nothing_is_done(world: World) -> None:
    """A pipeline that forgot --yes sees the plan."""
    ended = _rotate(world, NAMES["openai"])
    assert ended.code == 0
    assert "Nothing was changed." in ended.output
    assert _untouched(world)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("no-such-key",), id="a name that is not stored"),
        pytest.param((NAMES["openai"], "no-such-key"), id="one good name and one bad"),
        pytest.param(("--finding", "nothing"), id="a finding that is not known"),
        pytest.param(("--resume", "nothing"), id="a rotation that is not known"),
        pytest.param(("--event", "missing.json"), id="an event that is not there"),
        pytest.param((), id="nothing said"),
        pytest.param((NAMES["openai"], "--due"), id="two ways at once"),
        pytest.param(("--due", "--within", "soon"), id="days that are none"),
        pytest.param((NAMES["openai"], "--grace", "25h"), id="a grace beyond a day"),
        pytest.param((NAMES["openai"], "--grace", "long"), id="a grace that is none"),
        pytest.param((NAMES["openai"], "--compromised", "--grace", "1h"), id="a grace for a compromised key"),
        pytest.param((NAMES["openai"], "--policy", "swap"), id="a policy for a key that is not compromised"),
        pytest.param((NAMES["openai"], "--compromised", "--override-breaker"), id="the breaker without a reason"),
        pytest.param((NAMES["openai"], "--headers", "x"), id="headers of no event"),
        pytest.param(("--abort", "nothing"), id="the end of a rotation that is not known"),
        pytest.param((NAMES["openai"], "--sweep"), id="two ways at once, again"),
    ],
)
def test_a_wrong_request_does_nothing(arguments: tuple[str, ...], world: World) -> None:
    """Exit code 2, before anything was touched; the good name beside a bad one as well."""
    assert _rotate(world, *arguments, "--yes").code == 2
    assert _untouched(world)


def test_compromised_takes_what_a_scan_saw_in_full(world: World) -> None:
    """The key in the log is rotated, the other one is left alone; the next scan and the next run find it dead."""
    _leak(world, "openai")
    ended = _rotate(world, "--compromised", "--yes")
    assert ended.code == 0
    assert f"{NAMES['openai']}  forced rotation" in ended.output
    assert NAMES["anthropic"] not in ended.output
    assert world.vendors.live("anthropic") == {world.ids["anthropic"]}
    again = _rotate(world, "--compromised", "--yes")
    assert again.code == 0
    assert world.vendors.minted("openai") == 1


def test_a_finding_names_its_credential(world: World) -> None:
    """`--finding ID` rotates the stored key that the finding is."""
    (world.folder / "a.log").write_text(f"key={world.planted['openai']}\n")
    command(world.environ, world.folder, "scan", "a.log", "-o", "json=scan.json")
    (found,) = json.loads((world.folder / "scan.json").read_text())["findings"]
    assert _rotate(world, "--finding", found["id"], "--yes").code == 0
    assert not world.vendors.accepts("openai", world.planted["openai"])


def test_an_event_with_the_key_rotates_it(world: World) -> None:
    """`--event FILE` takes our own event document; one that names a stranger changes nothing and ends with 2."""
    event = world.folder / "event.json"
    event.write_text(json.dumps({"key": world.planted["openai"], "reason": "paste"}))
    assert _rotate(world, "--event", str(event), "--yes").code == 0
    event.write_text(json.dumps({"key": "somebody else's"}))
    assert _rotate(world, "--event", str(event), "--yes").code == 2


def test_one_that_cannot_be_replaced_is_contained_and_stops_no_other(world: World) -> None:
    """Without a standby one key cannot be replaced: it is switched off at once, the other one is rotated, and the code is 5."""
    with world.open() as opened, opened.database.write() as connection:
        from keysweep.rotation.credential import State
        from keysweep.rotation.vault import store

        store.change_version(connection, world.versions("anthropic")[1].ref, State.DISCARDED)
    _leak(world, "anthropic", "openai")
    ended = _rotate(world, NAMES["anthropic"], NAMES["openai"], "--compromised", "--yes")
    assert ended.code == 5
    assert f"{NAMES['anthropic']}: the old key is switched off" in ended.output
    assert f"Next: keysweep keys set {NAMES['anthropic']} --standby" in ended.output
    assert world.vendors.live("anthropic") == set()
    assert not world.vendors.accepts("openai", world.planted["openai"])


def test_a_half_done_rotation_names_the_next_command_and_is_listed(world: World) -> None:
    """Exit code 5, the one command that goes on, and the rotation in `--list`; that command finishes it."""
    world.vendors.fault("openai", "ignore", method="DELETE", count=1000)
    ended = _rotate(world, NAMES["openai"], "--compromised", "--yes")
    assert ended.code == 5
    (open_one,) = world.unfinished()
    assert f"Next: keysweep rotate --resume {open_one.id[:12]}" in ended.output
    assert "half-way" in _rotate(world, "--list").output
    world.vendors.heal()
    assert _rotate(world, "--resume", open_one.id[:12]).code == 0
    assert _rotate(world, "--resume", open_one.id[:12]).code == 2


def test_a_rolled_back_rotation_ends_with_4(world: World) -> None:
    """The old key still works and the output says so."""
    world.vendors.fault("openai", "busy", path="/service_accounts/", count=1000)
    ended = _rotate(world, NAMES["openai"], "--yes")
    assert ended.code == 4
    assert "old key still works" in ended.output
    assert world.vendors.accepts("openai", world.planted["openai"])


def test_the_timeline_fits_a_terminal(world: World) -> None:
    """No line is longer than 80 columns, and every step of the journal has one."""
    ended = _rotate(world, NAMES["openai"], "--compromised", "--yes")
    assert [line for line in ended.output.splitlines() if len(line) > 80] == []
    assert sum(" ms  " in line for line in ended.output.splitlines()) == 11


def test_due_keys_are_those_past_their_age(world: World, tmp_path: Path) -> None:
    """New keys are not due; looking ninety days ahead they are."""
    assert "Nothing to rotate." in _rotate(world, "--due", "--plan").output
    ahead = _rotate(world, "--due", "--within", "90d", "--plan").output
    assert all(NAMES[kind] in ahead for kind in _ALL)
    assert "admin" not in ahead


def test_a_grace_is_waited_for_by_nobody_and_ended_by_due(world: World) -> None:
    """The command ends with 0 and says until when; `--due` leaves it alone before its time, and `--resume --grace 0s` ends it."""
    ended = _rotate(world, NAMES["openai"], "--grace", "1h", "--yes")
    assert ended.code == 0
    assert "waiting: the old key lives on until " in ended.output
    (waiting,) = world.unfinished()
    due = _rotate(world, "--due", "--yes")
    assert (due.code, world.vendors.accepts("openai", world.planted["openai"])) == (0, True)
    assert _rotate(world, "--resume", waiting.id, "--grace", "0s").code == 0
    assert not world.vendors.accepts("openai", world.planted["openai"])


def test_due_goes_on_with_what_was_interrupted(world: World) -> None:
    """The scheduler's one command also finishes what a kill has left."""
    died = command(world.environ, world.folder, "rotate", NAMES["openai"], "--yes", trouble=Point("promote", "outcome"))
    assert died.code == -9
    ended = _rotate(world, "--due", "--yes")
    assert ended.code == 0, ended.output
    assert world.unfinished() == ()
    assert not world.vendors.accepts("openai", world.planted["openai"])


def test_an_aborted_rotation_ends_with_0_and_the_old_key(world: World) -> None:
    """A person wanted it, so that it is no failure."""
    _rotate(world, NAMES["openai"], "--grace", "1h", "--yes")
    ended = _rotate(world, "--abort", world.unfinished()[0].id, "--reason", "a scope is missing")
    assert ended.code == 0, ended.output
    assert "Next:" not in ended.output
    assert world.current_value("openai") == world.planted["openai"]


def test_a_delivery_that_comes_again_is_answered_and_not_acted_on(world: World) -> None:
    """Signed by our own scheme: the first time the key is rotated, the second time the answer is read out."""
    secret = world.folder / "signing"
    secret.touch(mode=0o600)
    secret.write_text("a signing secret")
    with (world.folder / "keysweep.toml").open("a") as file:
        file.write('[events.generic]\nsecret_file = "signing"\n')
    body = json.dumps({"key": world.planted["openai"], "reason": "paste"}).encode()
    sent = str(int(time.time()))
    digest = hmac.digest(b"a signing secret", f"evt_1.{sent}.".encode() + body, "sha256")
    (world.folder / "event.json").write_bytes(body)
    (world.folder / "headers").write_text(
        f"Webhook-Id: evt_1\nWebhook-Timestamp: {sent}\nWebhook-Signature: v1,{base64.b64encode(digest).decode()}\n"
    )
    arguments = ("--event", "event.json", "--headers", "headers", "--yes")
    assert _rotate(world, *arguments).code == 0
    again = _rotate(world, *arguments)
    assert again.code == 0
    assert "This delivery was answered on " in again.output
    assert f"{NAMES['openai']}: rotation " in again.output
    assert world.actions().count("event.received") == 2
    (world.folder / "event.json").write_bytes(body + b" ")
    assert _rotate(world, *arguments).code == 6
