"""A leaked key whose administering credential is not stored, or is refused: it ends itself where its vendor lets it, and it is said what next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysweep.rotation.credential import State
from tests.crash.promises import check, order, running_agent
from tests.fakes import classes
from tests.fakes.command_line import Ended, Point, command
from tests.fakes.stores import World, build_world
from tests.fakes.vendors import Vendors

_QUICK = {"settle_s": 0.0, "deadline_s": 8.0, "revoke_after_s": 4.0, "forced_stop_grace_s": 1.0}
_ROLLED = ("gitlab", "github_app", "slack_rotating")
"""A new key comes only out of the old one, which is gone then: a person makes it."""
_MINTED = ("gitlab_project", "openai_admin", "fake_self")


@pytest.fixture(autouse=True)
def made_up_vendors() -> Iterator[None]:
    """One for each class, for the length of a test."""
    with classes.found():
        yield


def leaked(world: World, kind: str, trouble: Point | None = None) -> Ended:
    """Force the rotation."""
    return command(world.environ, world.folder, *order(kind, forced=True), trouble=trouble)


def do_next(world: World, kind: str, said: Ended, value: str) -> None:
    """Run the one command that the last one named, with a value where it asks for one."""
    found = re.search(r"Next: keysweep (.*)", said.output)
    assert found, said.output
    private = world.folder / "value"
    private.touch(mode=0o600)
    private.write_text(value)
    done = command(world.environ, world.folder, *found[1].split(), "--from-file", str(private))
    private.unlink()
    assert done.code == 0, done.output


@pytest.mark.parametrize(
    ("kind", "trouble"),
    [
        *((kind, None) for kind in (*_ROLLED, *_MINTED)),
        ("gitlab", Point("revoke", "effect")),
        ("openai_admin", Point("prove-dead", "intent")),
    ],
)
def test_a_key_that_nobody_administers_ends_itself(
    kind: str, trouble: Point | None, tmp_path: Path, vendors: Vendors
) -> None:
    """The command says that it is dead, ends with 5 and names what is missing; once that is there, the same alarm brings the new key."""
    world = build_world(tmp_path / "world", vendors, kinds=(kind,), rotation=_QUICK, hurried=True, administered=False)
    with running_agent(world, kind) as supervisor:
        if trouble is not None:
            assert leaked(world, kind, trouble).code == -9
        said = leaked(world, kind)
        assert said.code == 5, said.output
        assert "the old key is dead" in said.output
        assert not world.accepts(kind, world.planted[kind])
        by_hand = kind in _ROLLED
        assert ("keys set" if by_hand else "--admin-key") in said.output
        again = leaked(world, kind)
        assert (again.code, "the old key is dead" in again.output) == (5, True), again.output
        new = vendors.seed(kind, "by hand", admin=not by_hand)
        do_next(world, kind, again, new.value)
        ended = leaked(world, kind)
        assert ended.code == 0, ended.output
        check(world, kind, supervisor)
        assert not by_hand or world.current_value(kind) == new.value


def test_a_key_that_cannot_be_rolled_since_its_administrator_is_refused_ends_itself(
    tmp_path: Path, vendors: Vendors
) -> None:
    """GitLab's administrator has lost its rights: the leaked token does not live on for that, and what next works."""
    world = build_world(tmp_path / "world", vendors, kinds=("gitlab",), rotation=_QUICK, hurried=True)
    with running_agent(world, "gitlab") as supervisor:
        back = vendors.refuse_admins("gitlab")
        said = leaked(world, "gitlab")
        assert said.code == 5, said.output
        assert "the old key is dead" in said.output
        assert not world.accepts("gitlab", world.planted["gitlab"])
        back()
        do_next(world, "gitlab", said, vendors.seed("gitlab", "by hand").value)
        assert leaked(world, "gitlab").code == 0
        check(world, "gitlab", supervisor)


def test_a_planned_rotation_without_an_administrator_touches_nothing(tmp_path: Path, vendors: Vendors) -> None:
    """A healthy key is not ended because a new one cannot be made."""
    world = build_world(tmp_path / "world", vendors, kinds=("gitlab",), rotation=_QUICK, administered=False)
    said = command(world.environ, world.folder, *order("gitlab", forced=False))
    assert said.code == 5, said.output
    assert "Next: keysweep keys add gitlab-admin --provider gitlab --admin-key" in said.output
    assert world.accepts("gitlab", world.planted["gitlab"])
    assert [version.state for version in world.versions("gitlab")] == [State.CURRENT]


def test_a_key_that_cannot_end_itself_waits_for_its_administrator(tmp_path: Path, vendors: Vendors) -> None:
    """Nothing can be done about it, and that is said; with the administering key the same alarm does it all."""
    world = build_world(
        tmp_path / "world", vendors, kinds=("openrouter",), rotation=_QUICK, administered=False, hurried=True
    )
    with running_agent(world, "openrouter") as supervisor:
        said = leaked(world, "openrouter")
        assert said.code == 5, said.output
        assert "no administering credential is stored for this provider" in said.output
        do_next(world, "openrouter", said, vendors.seed("openrouter", "admin", admin=True).value)
        assert leaked(world, "openrouter").code == 0
        check(world, "openrouter", supervisor)
