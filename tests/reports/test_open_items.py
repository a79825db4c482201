"""The chapter on open items: what is not finished, since when, against which limit, who decides, and the command that goes on."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest

from keysweep.reports.catalog import Framework, get
from keysweep.reports.document import Document, Figures, Mark
from keysweep.reports.evidence import Evidence
from keysweep.reports.open_items import OpenItem, open_items
from keysweep.rotation.engine import steps
from keysweep.rotation.engine.steps import Mode, Outcome
from tests.reports.making import (
    FREEZE,
    a_list,
    evidence,
    exposure,
    key,
    listed_key,
    open_rotation,
    quarter,
    rotation,
    section,
    stranger,
    table,
)

TITLE = "Open items"
FORCED = Mode.FORCED


def build(of: Evidence) -> Document:
    return get("key_age").build(of, Framework.BOTH)


def only(of: Evidence) -> OpenItem:
    (item,) = open_items(of)
    return item


@pytest.mark.parametrize(
    ("begun", "state", "past", "command"),
    [
        pytest.param(open_rotation("a", promoted_days=2, grace_days=3), "in grace", None, "keysweep rotate --due", id="its grace runs"),
        pytest.param(
            open_rotation("a", promoted_days=2, grace_days=1), "grace is over", timedelta(days=1), "keysweep rotate --due",
            id="its grace is over and nobody went on",
        ),
        pytest.param(
            open_rotation("a", outcome=Outcome.HALF_WAY, why="no connection"), "stopped half way", None, "--resume",
            id="planned, before the new key: the old one still has its own time",
        ),
        pytest.param(
            open_rotation("a", outcome=Outcome.HALF_WAY, guided=True), "waits for a person", None, "--resume",
            id="its vendor has no API",
        ),
        pytest.param(
            open_rotation("a", promoted_days=2, outcome=Outcome.HALF_WAY), "stopped half way", timedelta(days=2), "--resume",
            id="the new key serves and the old one is not ended",
        ),
        pytest.param(
            open_rotation("a", mode=FORCED, outcome=Outcome.HALF_WAY), "stopped half way", timedelta(days=2, seconds=-60),
            "--resume", id="forced, past its minute",
        ),
        pytest.param(open_rotation("a", mode=FORCED, days=0.0005), "under way", None, "--resume", id="forced, within its minute"),
        pytest.param(open_rotation("a"), "interrupted", None, "--resume", id="nothing was written down for days"),
        pytest.param(
            open_rotation("a", mode=FORCED, outcome=Outcome.CONTAINED), "ended, death not proven",
            timedelta(days=2, seconds=-60), "keysweep keys show a", id="nobody can prove it dead any more",
        ),
        pytest.param(
            open_rotation("a", mode=FORCED, policy=steps.Policy.CONTAIN, outcome=Outcome.HALF_WAY, dead=True),
            "old key dead, no successor", timedelta(days=2, seconds=-60), "--resume", id="only contained, and dead",
        ),
        pytest.param(
            open_rotation("a", mode=FORCED, policy=steps.Policy.CONTAIN, outcome=Outcome.HALF_WAY),
            "no successor, old key not proven dead", timedelta(days=2, seconds=-60), "--resume", id="only contained, and not dead",
        ),
    ],
)  # fmt: skip
def test_a_rotation_that_did_not_end_says_how_it_stands_and_how_it_goes_on(
    begun: object, state: str, past: timedelta | None, command: str
) -> None:
    """With its age against the minute of a forced one, the grace, or the age limit of a key that is still in use."""
    item = only(evidence([key("a", 10)], open_rotations=[begun]))  # type: ignore[list-item]
    assert (item.state, item.past(FREEZE), item.decides) == (state, past, "orders team")
    assert command in item.command


def test_a_planned_rotation_that_stopped_is_past_its_limit_once_its_key_is() -> None:
    """A key of 91 days that may be 90: its first day over is the freeze itself; of 92 it is one day."""
    stopped = [open_rotation("a", outcome=Outcome.HALF_WAY)]
    assert only(evidence([key("a", 91)], open_rotations=stopped)).past(FREEZE) is None
    assert only(evidence([key("a", 92)], open_rotations=stopped)).past(FREEZE) == timedelta(days=1)


@pytest.mark.parametrize(
    ("leak", "state", "command"),
    [
        pytest.param(
            exposure("a", seconds=None, opened=False), "nobody has acted", "keysweep rotate --finding f-0123456789abcdef --yes",
            id="no incident",
        ),
        pytest.param(
            exposure("a", seconds=None), "incident open, not rotated", "keysweep rotate --finding f-0123456789abcdef --yes",
            id="an incident and no rotation",
        ),
        pytest.param(
            replace(exposure("a", seconds=None, opened=False), standby=True), "nobody has acted", "keysweep keys set a --standby",
            id="a standby: nothing serves on it, another takes its place",
        ),
    ],
)  # fmt: skip
def test_a_leaked_key_that_lives_and_that_no_rotation_is_at_is_open(leak: object, state: str, command: str) -> None:
    """Past its limit from the first sighting on, and a minute after an incident was accepted."""
    item = only(evidence([key("a", 10)], exposures=[leak]))  # type: ignore[list-item]
    assert (item.state, item.command) == (state, command)
    assert item.past(FREEZE) == timedelta(days=10) - (timedelta(seconds=61) if "incident" in state else timedelta(0))


def test_one_leak_is_one_item_however_often_it_was_seen_and_none_beside_its_rotation() -> None:
    """The rotation that is at it is the item; of two findings of one value the first counts."""
    twice = [
        exposure("a", seconds=None),
        replace(exposure("a", days=30, seconds=None), finding_id="f-1111111111111111"),
    ]
    assert only(evidence([key("a", 40)], exposures=twice)).since == FREEZE - timedelta(days=30)
    at_it = [open_rotation("a", mode=FORCED)]
    assert only(evidence([key("a", 40)], exposures=twice, open_rotations=at_it)).reference.startswith("forced")
    of_another = [open_rotation("a", mode=FORCED, number=2)]
    assert len(open_items(evidence([key("a", 40)], exposures=twice, open_rotations=of_another))) == 2


def test_a_dead_leak_and_a_replaced_key_are_not_open() -> None:
    """Neither is a key that has not expired yet, nor one that is not in use any more."""
    of = evidence(
        [key("a", 10), key("later", 10, ended_days=-1), key("gone", 10, ended_days=5, unused=True)],
        exposures=[exposure("a")],
        rotations=[rotation("a")],
    )
    assert open_items(of) == ()


@pytest.mark.parametrize("days", [0, 4], ids=["at the freeze itself", "four days ago"])
def test_a_key_in_use_past_its_providers_end_is_open(days: int) -> None:
    """It serves no agent any more, whatever its age."""
    item = only(evidence([key("a", 10, ended_days=days)]))
    assert (item.kind.value, item.days(FREEZE), item.command) == ("expired, in use", days, "keysweep rotate a --yes")


def test_a_key_that_no_adapter_rotates_is_replaced_by_hand() -> None:
    """The command is the one that takes the new value in."""
    assert only(evidence([key("a", 10, provider="custom", ended_days=1)])).command == "keysweep keys set a"


def test_a_contained_key_without_a_successor_asks_for_one_and_needs_attention_from_its_first_second() -> None:
    """Going on before a person has handed a key in would only stop again."""
    begun = open_rotation(
        "a", days=0, mode=FORCED, policy=steps.Policy.CONTAIN, outcome=Outcome.HALF_WAY, lacks_key=True
    )
    of = evidence([key("a", 10)], open_rotations=[begun])
    assert (only(of).command, only(of).past(FREEZE)) == ("keysweep keys set a --standby", None)
    (points,) = [b.points for b in build(of).sections[0].blocks if hasattr(b, "points")]
    assert any(bold.startswith("The rotation of a has not ended") for bold, _ in points)


@pytest.mark.parametrize(
    ("keys", "owner", "decides"),
    [
        pytest.param([key("openai-admin", 5, owner="platform", admin=True)], "ada", "platform", id="who answers for the account"),
        pytest.param([key("openai-admin", 5, owner="", admin=True)], "ada", "ada", id="else its owner there"),
        pytest.param([], "", "", id="nobody is named"),
    ],
)  # fmt: skip
def test_a_key_that_is_unknown_here_names_who_decides_and_since_when(
    keys: list[object], owner: str, decides: str
) -> None:
    """Whether it is taken in or ended is a person's decision; its age counts from its creation, as of any key."""
    unknown = replace(listed_key("k1"), owner=owner)
    of = evidence(keys, lists=[a_list("openai", unknown)])  # type: ignore[arg-type]
    item = only(of)
    assert (item.decides, item.since) == (decides, FREEZE - timedelta(days=3))
    assert item.due_at == FREEZE - timedelta(days=30) + timedelta(days=91)
    assert item.command == "keysweep keys add NAME --provider openai --key-id k1"
    completeness = section(build(of), "Completeness against the providers")
    (row,) = table(completeness, "Accepted at the provider and unknown here").rows
    assert [cell.text for cell in row[5:]] == ["27 Sep 2026", decides or "nobody named"]


def test_the_chapter_prints_the_longest_past_first_and_every_number_is_that_of_its_rows() -> None:
    """Figures, table by kind, rows and the attached file agree."""
    document = build(quarter())
    chapter = section(document, TITLE)
    rows = table(chapter, "Each of them, the longest past its limit first").rows
    attached = next(file for file in document.attachments if file.name == "EV-09-open-items.csv")
    lines = list(csv.DictReader(io.StringIO(attached.content.decode())))
    assert [row[0].text for row in rows] == [line["item"] for line in lines]
    assert [row[0].text for row in rows][:3] == ["short-lived", "openai-admin", "crm-anthropic"]
    late = [row[3].mark is Mark.DEVIATION for row in rows]
    assert late == sorted(late, reverse=True)
    figures = next(block for block in chapter.blocks if isinstance(block, Figures)).figures
    assert [figures[0].value, figures[1].value] == [str(len(rows)), str(sum(late))] == ["6", "3"]
    by_kind = table(chapter, "By kind").rows
    assert [sum(int(row[at].text) for row in by_kind) for at in (1, 2)] == [6, 3]
    assert [line["past_limit"] for line in lines].count("True") == 3
    assert chapter.lead == "6 items open at the freeze, 3 past the limit; for 2 of them nobody is named who decides."


def test_a_command_is_printed_in_lines_and_attached_in_one() -> None:
    """No option is cut at its hyphens; the file has what is typed."""
    of = evidence([key("a", 1)], exposures=[exposure("a", seconds=None)])
    document = build(of)
    (row,) = table(section(document, TITLE), "Each of them, the longest past its limit first").rows
    assert row[4].text == "keysweep rotate --finding\nf-0123456789abcdef --yes"
    attached = next(file for file in document.attachments if file.name == "EV-09-open-items.csv")
    assert b"keysweep rotate --finding f-0123456789abcdef --yes" in attached.content


def test_the_first_page_says_what_is_past_its_limit_with_the_next_command() -> None:
    """A rotation in its grace needs no attention; one that stopped does."""
    (points,) = [b.points for b in build(quarter()).sections[0].blocks if hasattr(b, "points")]
    said = dict(points)
    assert "next: keysweep rotate --resume" in said["The rotation of openai-admin has not ended: waits for a person."]
    assert "Noted under CC4.2." in said["short-lived is in use past its end at the provider."]
    assert not any("mcp-orders-db" in bold for bold in said)


@pytest.mark.parametrize(
    ("of", "tested", "deviations"),
    [
        pytest.param(evidence([key("a", 1)], rotations=[rotation("a")]), "1", "0", id="a rotation that ended"),
        pytest.param(
            evidence([key("a", 1)], rotations=[rotation("a")], open_rotations=[open_rotation("a", promoted_days=1, grace_days=2)]),
            "2", "0", id="one that waits within its grace",
        ),
        pytest.param(evidence([key("a", 1)], open_rotations=[open_rotation("a", mode=FORCED)]), "1", "1", id="one past its minute"),
        pytest.param(evidence([key("a", 1)]), "–", "–", id="nothing came up: not evaluated"),
        pytest.param(evidence([key("a", 1)], strangers=[stranger()]), "–", "–", id="strangers have no limit"),
    ],
)  # fmt: skip
def test_following_up_is_tested_on_all_that_came_up(of: Evidence, tested: str, deviations: str) -> None:
    """CC4.2: an item past its limit is a deviation, one within it is not, and of nothing nothing is said."""
    rows = table(section(build(of), "Results: SOC 2"), "SOC 2 · Trust Services Criteria").rows
    row = next(row for row in rows if row[0].text == "CC4.2")
    assert (row[3].text, row[4].text) == (tested, deviations)


def test_no_open_item_is_good_news_only_where_there_was_something() -> None:
    """An empty store is not evaluated."""
    assert section(build(evidence([key("a", 1)])), TITLE).lead.startswith("Nothing was open at the freeze")
    assert "not evaluated" in section(build(evidence()), TITLE).lead


def test_a_long_list_prints_sixty_and_says_where_the_rest_is() -> None:
    """Nothing is cut silently."""
    document = build(evidence([key("a", 1)], strangers=[stranger(number) for number in range(100)]))
    listed = table(section(document, TITLE), "Each of them, the longest past its limit first")
    assert (len(listed.rows), listed.source) == (60, "60 of 100 are printed; EV-09 holds all.")
