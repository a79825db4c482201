"""A guided rotation as a person lives it: the list of what to do, the commands that go on, and the death of the key that they ended."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.inventory import Entry, add
from keysweep.rotation.vault.unlock import initialise
from tests.fakes.canaries import forms
from tests.fakes.command_line import Ended, command
from tests.fakes.fixtures import vendors
from tests.fakes.stores import World
from tests.fakes.vendors import Planted, Vendors

__all__ = ["vendors"]
NAME = "support-groq"


@dataclass(frozen=True)
class Story:
    """A store with one Groq key, and the console of that vendor."""

    world: World
    old: Planted
    handed_in: list[str] = field(default_factory=list)

    def run(self, *arguments: str) -> Ended:
        """Run a command; nothing that it says holds a key."""
        ended = command(self.world.environ, self.world.folder, *arguments)
        said = ended.output.encode()
        values = [self.old.value, *self.handed_in]
        assert [form for value in values for form, needle in forms(value).items() if needle in said] == []
        return ended

    def hand_in(self) -> Planted:
        """Make a key in the console and hand it in, as the list says."""
        made = self.world.vendors.seed("groq", "new")
        self.handed_in.append(made.value)
        file = self.world.folder / "handed.in"
        file.touch(mode=0o600)
        file.write_text(made.value)
        assert self.run("keys", "set", NAME, "--standby", "--from-file", str(file)).code == 0
        return made

    def end_old(self) -> None:
        """Press the button."""
        self.world.vendors.end("groq", self.old.id)


@pytest.fixture
def story(tmp_path: Path, vendors: Vendors) -> Story:
    """A key that an agent has, and no process that runs with it."""
    folder = tmp_path / "world"
    (folder / "store").mkdir(parents=True, mode=0o700)
    lines = [
        'store = "store/keysweep.db"',
        'key_file = "store/keysweep.key"',
        f'[providers.groq]\nbase_url = "{vendors.url}/groq"',
        "[rotation]\ndeadline_s = 4.0",
    ]
    (folder / "keysweep.toml").write_text("\n".join(lines) + "\n")
    old = vendors.seed("groq", "support")
    world = World(folder=folder, vendors=vendors, postgres=None, planted={"groq": old.value})
    initialise(world.settings)
    entry = Entry(
        name=NAME,
        provider="groq",
        value=Secret(old.value),
        agent="support",
        variable="GROQ_API_KEY",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    with world.open() as opened, opened.database.write() as connection:
        add(connection, opened, entry, actor="cli:test")
    return Story(world=world, old=old)


def _next(ended: Ended) -> tuple[str, ...]:
    """Return the one next command that was named."""
    named = re.findall(r"^Next: keysweep (.+)$", ended.output, re.MULTILINE)
    assert len(named) == 1, ended.output
    return tuple(named[0].split())


def _marks(ended: Ended) -> str:
    """Return which tasks of the list are done."""
    return "".join(re.findall(r"^  \[(.)\] \d\.", ended.output, re.MULTILINE))


def _all_is_well(story: Story, new: Planted) -> bool:
    with story.world.open() as opened, opened.database.read() as connection:
        from keysweep.rotation.vault import store

        versions = store.versions(connection, store.credential_named(connection, NAME).id)
        current = opened.vault.open_version(connection, versions[-1].ref).reveal_text()
    return [v.state.value for v in versions] == ["retired", "current"] and current == new.value


def test_the_whole_story(story: Story) -> None:
    """The list; a key is made and handed in; the agents take it; the old one is ended; its death is proven.  Each time one next command."""
    asked = story.run("rotate", NAME, "--yes")
    assert (asked.code, _marks(asked)) == (5, "     ")
    assert "https://console.groq.com/keys" in asked.output
    assert _next(asked) == ("keys", "set", NAME, "--standby")

    new = story.hand_in()
    moved = story.run("rotate", NAME, "--yes")
    assert (moved.code, _marks(moved)) == (5, "xxx  ")
    assert "new key that a person made, handed in" in moved.output
    assert "the old key still works; press the bin" in moved.output
    resume = _next(moved)
    assert resume[:2] == ("rotate", "--resume")

    too_early = story.run(*resume)
    assert (too_early.code, _next(too_early)) == (5, resume)
    assert "the old key still works" in too_early.output

    story.end_old()
    ended = story.run(*resume)
    assert ended.code == 0, ended.output
    assert "PROVEN DEAD" in ended.output
    assert "ended by hand" in ended.output
    assert _all_is_well(story, new)


def test_a_leaked_key_is_ended_first_where_no_new_one_is_there(story: Story) -> None:
    """Forced, nothing sealed: the list begins with the end of the old key; the commands are the same."""
    contained = story.run("rotate", NAME, "--compromised", "--yes")
    assert contained.code == 5
    assert "the old key still works until a person ends it" in contained.output
    assert re.search(r"1\. end the old key at https://console\.groq\.com/keys", contained.output)
    assert _next(contained) == ("keys", "set", NAME, "--standby")

    story.end_old()
    new = story.hand_in()
    goes_on = story.run("rotate", NAME, "--compromised", "--yes")
    assert goes_on.code == 0, goes_on.output
    assert _all_is_well(story, new)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_plan_shows_the_list_and_changes_nothing(sealed: bool, story: Story) -> None:
    """With a new key handed in it shows the steps, too; without one it says what is missing."""
    if sealed:
        story.hand_in()
    plan = story.run("rotate", NAME, "--plan")
    assert (plan.code, _marks(plan)) == ((0, "xx   ") if sealed else (5, "     "))
    assert ("take-standby" in plan.output) is sealed
    assert "rotation.started" not in story.world.actions()


def test_a_new_key_that_does_not_work_changes_nothing(story: Story) -> None:
    """A key that was mistyped or belongs elsewhere goes back to the shelf; the old one serves on."""
    story.world.vendors.end("groq", story.hand_in().id)
    ended = story.run("rotate", NAME, "--yes")
    assert ended.code == 4
    assert "the new key was not accepted (401 invalid_api_key)" in ended.output
    assert story.world.vendors.live("groq") == {story.old.id}
    assert "standby" in story.run("keys", "show", NAME).output


def test_the_inventory_says_guided(story: Story) -> None:
    """`keys show` and the rows of `keys list` say that a person takes part, and what to do about an old key is the list."""
    shown = story.run("keys", "show", NAME)
    assert "guided" in shown.output
    assert _next(shown) == ("rotate", NAME, "--plan")
    assert '"rotation": "guided"' in story.run("keys", "list", "-o", "json").output
