"""What `keysweep rotate` names as the next command works when it is run: every outcome 4 and 5, each brought about, each followed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from keysweep.rotation.credential import State
from keysweep.rotation.vault import store
from tests.fakes.command_line import Ended, command
from tests.fakes.fixtures import vendors, world
from tests.fakes.stores import NAMES, World
from tests.rotation.engine.earlier import leaked_thrice

__all__ = ["vendors", "world"]
_OPENAI, _CLAUDE = NAMES["openai"], NAMES["anthropic"]


def _keysweep(world: World, *arguments: str) -> Ended:
    return command(world.environ, world.folder, *arguments)


def _next(ended: Ended) -> list[str]:
    """Return the one command that is named, as a shell would split it."""
    (named,) = re.findall(r"(?m)^Next: (.*)$", ended.output)
    program, *arguments = shlex.split(named)
    assert program == "keysweep"
    return arguments


def _busy_mint(world: World) -> None:
    world.vendors.fault("openai", "busy", path="/service_accounts/", count=1000)


def _undead(world: World) -> None:
    world.vendors.fault("openai", "ignore", method="DELETE", count=1000)


def _no_standby(world: World) -> None:
    with world.open() as opened, opened.database.write() as connection:
        store.change_version(connection, world.versions("anthropic")[1].ref, State.DISCARDED)


def _no_admin(world: World) -> None:
    """Take the administering credential away, under another provider's name."""
    with world.open() as opened, opened.database.write() as connection:
        admin = store.credential_named(connection, "openai-admin")
        store.change_credential(connection, admin.id, provider="elsewhere", name="somebody-else")


def _no_adapter(world: World) -> None:
    with world.open() as opened, opened.database.write() as connection:
        store.change_credential(connection, world.credential("openai").id, provider="no-such-vendor")


def _event(world: World) -> None:
    (world.folder / "event.json").write_text(f'{{"credential": "{_OPENAI}"}}')


def _alert(world: World) -> None:
    (world.folder / "event.json").write_text(
        '{"action": "created", "alert": {"number": 1, "secret_type": "x"}, "repository": {"full_name": "a/b"}}'
    )


def _key_on_stdin(world: World) -> str:
    return world.vendors.seed("anthropic", "spare", status="inactive").value


def _admin_on_stdin(world: World) -> str:
    return world.vendors.seed("openai", "another admin", admin=True).value


def _any_on_stdin(world: World) -> str:
    return world.vendors.seed("openai", "by hand").value


@pytest.mark.parametrize(
    ("arrange", "arguments", "code", "value", "then"),
    [
        pytest.param(_busy_mint, (_OPENAI,), 4, None, None, id="4: rolled back, to be tried again"),
        pytest.param(_undead, (_OPENAI,), 5, None, None, id="5: a planned one whose old key does not die"),
        pytest.param(
            _undead, (_OPENAI, "--compromised"), 5, None, None, id="5: a forced one whose old key does not die"
        ),
        pytest.param(_busy_mint, (_OPENAI, "--compromised"), 5, None, None, id="5: contained, no new key in time"),
        pytest.param(
            _no_standby,
            (_CLAUDE, "--compromised"),
            5,
            _key_on_stdin,
            (_CLAUDE, "--compromised"),
            id="5: switched off, and no standby to take its place",
        ),
        pytest.param(_no_standby, (_CLAUDE,), 5, _key_on_stdin, (_CLAUDE,), id="5: planned, and no standby"),
        pytest.param(_no_admin, (_OPENAI,), 5, _admin_on_stdin, (_OPENAI,), id="5: nobody is stored who may mint"),
        pytest.param(
            _no_adapter, (_OPENAI,), 5, _any_on_stdin, None, id="5: no adapter, the value is replaced by hand"
        ),
        pytest.param(leaked_thrice, (_OPENAI, "--compromised"), 5, None, None, id="5: the breaker is open"),
        pytest.param(
            lambda _: None, (_OPENAI, "--compromised", "--policy", "observe"), 5, None, None, id="5: observed"
        ),
        pytest.param(_event, ("--event", "event.json"), 5, None, None, id="5: an event that only names a credential"),
        pytest.param(_alert, ("--event", "event.json"), 5, None, None, id="5: an event without the key"),
    ],
)
def test_the_next_command_works(
    arrange: Callable[[World], None],
    arguments: tuple[str, ...],
    code: int,
    value: Callable[[World], str] | None,
    then: tuple[str, ...] | None,
    world: World,
    tmp_path: Path,
) -> None:
    """It ends with 0 once the trouble is over, or after what it asks a person for; and then the rotation can be made."""
    arrange(world)
    ended = _keysweep(world, "rotate", *arguments, "--yes")
    assert ended.code == code, ended.output
    named = _next(ended)
    world.vendors.heal()
    if value is not None:
        private = tmp_path / "value"
        private.touch(mode=0o600)
        private.write_text(value(world))
        named += ["--from-file", str(private)]  # what a person would type at the prompt
    followed = _keysweep(world, *named)
    assert followed.code == 0, f"{named}: {followed.output}"
    if then is not None:
        done = _keysweep(world, "rotate", *then, "--yes")
        assert done.code == 0, done.output
