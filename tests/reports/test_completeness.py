"""The chapter on completeness: what the providers' own lists say of the inventory, and where there is no list."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from keysweep.reports import completeness
from keysweep.reports.catalog import Framework, get
from keysweep.reports.document import Document, Mark
from keysweep.reports.evidence import Evidence
from tests.reports.making import FREEZE, a_list, evidence, key, listed_key, quarter, section, table

TITLE = "Completeness against the providers"


def build(of: Evidence, framework: Framework = Framework.BOTH) -> Document:
    return get("key_age").build(of, framework)


def attached(document: Document, name: str) -> list[dict[str, str]]:
    content = next(file.content for file in document.attachments if file.name == name)
    return list(csv.DictReader(io.StringIO(content.decode())))


def first_column(of: Evidence, title: str) -> list[str]:
    return [row[0].text for row in table(section(build(of), TITLE), title).rows]


AGREED = a_list("openai", listed_key("k1", "a"))


@pytest.mark.parametrize(
    ("of", "tested", "deviations"),
    [
        pytest.param(evidence([key("a", 10)], lists=[AGREED]), 2, 0, id="the only key is in the only list"),
        pytest.param(
            evidence([key("a", 10)], lists=[a_list("openai", listed_key("k1", "a"), listed_key("k2"))]),
            3, 1, id="a key there is unknown here",
        ),
        pytest.param(
            evidence([key("a", 10)], lists=[a_list("openai", listed_key("k1", "a"), listed_key("k2", active=False))]),
            2, 0, id="a key that is switched off there is no gap",
        ),
        pytest.param(evidence([key("a", 10), key("b", 10)], lists=[AGREED]), 3, 1, id="a key in use here is not there"),
        pytest.param(
            evidence([key("a", 10)], lists=[a_list("openai", listed_key("k1", "a", active=False))]),
            2, 1, id="a key in use here is switched off there",
        ),
        pytest.param(
            evidence([key("a", 10)], lists=[a_list("openai", listed_key("k1", "a", number=2))]),
            2, 1, id="the list has another version",
        ),
        pytest.param(
            evidence([key("a", 10), key("b", 2)], lists=[AGREED]), 3, 0, id="a key is newer than the list, which says nothing of it"
        ),
        pytest.param(
            evidence([key("a", 10), key("p", 1, provider="postgresql")], lists=[AGREED]),
            4, 1, id="a provider has no list",
        ),
        pytest.param(
            evidence([key("a", 10), key("boss", 9, provider="anthropic", admin=True)],
                     lists=[AGREED, a_list("anthropic")]),
            4, 0, id="an administering key where the provider lists none of them",
        ),
        pytest.param(
            evidence([key("a", 10)], lists=[a_list("openai", more=4, gone=2)]),
            6, 6, id="the list was read again since: its numbers stand",
        ),
    ],
)  # fmt: skip
def test_the_control_counts_what_the_lists_say(of: Evidence, tested: int, deviations: int) -> None:
    """In both standards, with the same numbers."""
    document = build(of)
    for chapter, title, name in (
        ("Results: SOC 2", "SOC 2 · Trust Services Criteria", "CC2.1"),
        ("Results: PCI DSS", "PCI DSS v4.0.1", "12.5.1"),
    ):
        row = next(row for row in table(section(document, chapter), title).rows if row[0].text == name)
        assert (f"{tested}", f"{deviations}") == (row[3].text, row[4].text)
        assert row[6].mark is (Mark.DEVIATION if deviations else Mark.OK)


@pytest.mark.parametrize(
    ("days", "standing"), [(0, "compared"), (90, "compared"), (91, "list too old")], ids=["new", "on the last day", "a day late"]
)  # fmt: skip
def test_a_list_counts_as_long_as_the_policy_lets_a_key_be_used(days: int, standing: str) -> None:
    """The limit itself is allowed, as for keys."""
    (row,) = completeness.by_provider(
        evidence([key("a", 200)], lists=[a_list("openai", listed_key("k1", "a"), days=days)])
    )
    assert standing == row.standing


@pytest.mark.parametrize(
    ("of", "why"),
    [
        pytest.param(evidence([key("a", 1)]), "its list was never read", id="never asked"),
        pytest.param(evidence([key("a", 1, provider="postgresql")]), "keysweep reads no list of this provider", id="cannot"),
        pytest.param(
            evidence([key("a", 1)], lists=[a_list("openai", failure="the provider answered 403")]),
            "as openai-admin: the provider answered 403", id="failed",
        ),
        pytest.param(
            evidence([key("a", 200)], lists=[a_list("openai", listed_key("k", "a"), days=120)]),
            "its list is of 2 Jun 2026", id="too old",
        ),
        pytest.param(
            evidence([key("a", 9)], lists=[AGREED, a_list("openai", account="second", failure="no connection")]),
            "as second: no connection", id="one account of two failed",
        ),
    ],
)  # fmt: skip
def test_a_provider_without_a_current_list_is_a_gap_with_its_reason_and_its_controls(of: Evidence, why: str) -> None:
    """And the answer on the first page says that its completeness is not evaluated; nothing is green."""
    document = build(of)
    (row,) = table(section(document, TITLE), "Coverage gaps: providers that no current list bears out").rows
    assert row[1].text.startswith(why)
    assert row[3].text == "CC2.1, 12.5.1"
    assert "completeness is not evaluated" in document.sections[0].lead
    marks = {
        cell.mark for line in table(section(document, TITLE), "Lists by provider and account").rows for cell in line
    }
    assert Mark.OK not in marks


def test_keys_unknown_here_are_named_by_id_and_hint() -> None:
    """With the controls that never see them; the first page counts them."""
    document = build(quarter())
    unknown = table(section(document, TITLE), "Accepted at the provider and unknown here")
    assert [(row[0].text, row[2].text) for row in unknown.rows] == [("key_2a1b2c3d4e5f", "sk-…9f2a")]
    assert "CC2.1, CC6.1, 8.6.3, 12.5.1" in unknown.source
    assert "Held against current lists of 1 of 3 providers: 1 key there unknown here" in document.sections[0].lead


def test_an_edition_for_one_reader_names_the_controls_of_one_standard() -> None:
    """No requirement of the other."""
    (row, *_) = table(
        section(build(quarter(), Framework.PCI_DSS), TITLE), "Coverage gaps: providers that no current list bears out"
    ).rows
    assert row[3].text == "12.5.1"


def test_the_first_page_the_method_and_the_chapter_say_the_same_sentence() -> None:
    """It is computed once."""
    document = build(quarter())
    said = section(document, TITLE).lead
    assert said in document.sections[0].lead
    method = section(document, "Method and completeness")
    assert any(said in getattr(block, "text", "") for block in method.blocks)


def test_numbers_of_the_chapter_are_those_of_the_attachments() -> None:
    """Every listed key stands in EV-08, every provider in EV-07."""
    document = build(quarter())
    keys, lists = attached(document, "EV-08-listed-keys.csv"), attached(document, "EV-07-lists.csv")
    assert [row["key_id"] for row in keys if not row["credential"]] == ["key_2a1b2c3d4e5f"]
    assert {row["provider"]: row["standing"] for row in lists} == {
        "anthropic": "never compared", "openai": "compared", "postgresql": "cannot be listed"
    }  # fmt: skip
    (of_openai,) = (row for row in lists if row["provider"] == "openai")
    assert (of_openai["listed"], of_openai["matched"], of_openai["unknown"], of_openai["not_there"]) == (
        "3",
        "2",
        "1",
        "1",
    )


def test_a_long_list_prints_sixty_and_says_where_the_rest_is() -> None:
    """Nothing is cut silently."""
    of = evidence([key("a", 9)], lists=[a_list("openai", *(listed_key(f"key_{n:04}") for n in range(300)))])
    unknown = table(section(build(of), TITLE), "Accepted at the provider and unknown here")
    assert len(unknown.rows) == 60
    assert unknown.source.startswith("60 of 300 keys are printed")
    assert len(attached(build(of), "EV-08-listed-keys.csv")) == 300


def test_keys_of_a_list_that_was_read_again_since_are_counted_and_said_not_to_be_named() -> None:
    """The freeze is in the past, the names are of later."""
    of = evidence([key("a", 9)], lists=[a_list("openai", more=2, gone=1)])
    unknown = table(section(build(of), TITLE), "Accepted at the provider and unknown here")
    assert (unknown.rows, unknown.empty) == ((), "Not named: the lists were read again since.")
    assert unknown.source.startswith("0 of 2 are named")


def test_the_oldest_of_several_lists_decides() -> None:
    """One account read today does not make up for one that was read long ago."""
    new, old = a_list("openai", days=1), a_list("openai", days=100, account="second")
    (row,) = completeness.by_provider(evidence(lists=[new, old]))
    assert (row.standing, row.in_use) == ("list too old", 0)
    assert old.read_at == FREEZE - timedelta(days=100)


def test_unknown_keys_of_an_old_list_are_a_deviation_all_the_same() -> None:
    """A list that does not count any more still named a key that nobody stored."""
    of = evidence([key("a", 200)], lists=[a_list("openai", listed_key("k", "a"), listed_key("k2"), days=120)])
    row = next(
        r
        for r in table(section(build(of), "Results: SOC 2"), "SOC 2 · Trust Services Criteria").rows
        if r[0].text == "CC2.1"
    )
    assert (row[4].text, row[6].mark) == ("2", Mark.DEVIATION)
    assert "1 key there unknown here" in build(of).sections[0].lead


def test_no_list_is_no_good_news() -> None:
    """Tables without rows say that nothing was evaluated."""
    chapter = section(build(evidence([key("a", 1)])), TITLE)
    for title in ("Accepted at the provider and unknown here", "In use here and not accepted in the provider's list"):
        assert table(chapter, title).empty == "Not evaluated: no list was read."
