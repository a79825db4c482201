"""The key-age report says what the evidence says: every total is recomputed here from the rows."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings

from keysweep.reports import frames
from keysweep.reports.catalog import Framework, get
from keysweep.reports.document import Document, Figures, Mark
from keysweep.reports.evidence import Evidence
from keysweep.reports.render import html
from keysweep.reports.render import json as json_renderer
from tests.reports.making import (
    FREEZE,
    evidence,
    exposure,
    key,
    populations,
    quarter,
    rotation,
    scan,
    section,
    story_ten,
    table,
    use,
)


def build(of: Evidence, framework: Framework = Framework.BOTH) -> Document:
    return get("key_age").build(of, framework)


def attached(document: Document, name: str) -> list[dict[str, str]]:
    content = next(f.content for f in document.attachments if f.name == name)
    return list(csv.DictReader(io.StringIO(content.decode())))


@settings(max_examples=60, deadline=None)
@given(of=populations())
def test_the_totals_of_the_report_are_those_of_the_evidence(of: Evidence) -> None:
    """Figures, ageing tables, overdue list and attached population agree, whatever the population."""
    document = build(of)
    used = [k for k in of.keys if k.version is not None]
    late = sorted(k.name for k in used if k.age_days > k.limit_days)
    figures = next(b for b in section(document, "Executive summary").blocks if isinstance(b, Figures)).figures
    assert [str(len(used)), str(len(late))] == [figures[0].value, figures[2].value]
    for grouping in ("Ageing by provider", "Ageing by environment"):
        ageing = table(section(document, "Key age"), grouping)
        assert len(used) == sum(int(row[6].text) for row in ageing.rows)
        assert len(late) == sum(int(row[9].text) for row in ageing.rows)
    overdue = section(document, "Overdue credentials and exceptions")
    assert late == sorted(
        row[0].text for row in table(overdue, "Past the policy maximum at the freeze, oldest first").rows
    )
    rows = attached(document, "EV-01-population.csv")
    assert sorted(k.name for k in of.keys) == [row["name"] for row in rows]
    assert sum(k.age_days for k in of.keys) == sum(int(row["age_days"]) for row in rows)
    assert late == sorted(row["name"] for row in rows if row["overdue"] == "True")


@settings(max_examples=60, deadline=None)
@given(of=populations())
def test_the_histogram_counts_every_credential_in_use_once(of: Evidence) -> None:
    """No age falls between two bars, and the coloured parts add up."""
    bars = frames.histogram(of)
    assert len(of.in_use) == sum(bar.total for bar in bars)
    assert len(of.overdue) == sum(bar.overdue for bar in bars)
    for bar in bars:
        inside = [k for k in of.in_use if k.age_days >= bar.low and (bar.high is None or k.age_days <= bar.high)]
        assert len(inside) == bar.total


@settings(max_examples=60, deadline=None)
@given(of=populations())
def test_every_credential_stands_in_the_inventory_once(of: Evidence) -> None:
    """The appendix is the population."""
    rows = table(section(build(of), "Appendix: inventory"), "Credentials").rows
    assert [k.name for k in of.keys] == [row[0].text for row in rows]


def test_ninety_days_are_within_the_policy_and_ninety_one_are_not() -> None:
    """Ages of 10, 80, 91 and 400 days: two are overdue, oldest first."""
    assert [k.name for k in story_ten().overdue] == ["key-400", "key-91"]
    assert not key("at-the-limit", 90).overdue


def test_a_limit_of_its_own_wins_over_the_policy() -> None:
    """A credential of 40 days with a limit of 30 is overdue though the policy allows 90."""
    document = build(evidence([key("short", 40, limit=30)]))
    figures = next(b for b in section(document, "Executive summary").blocks if isinstance(b, Figures)).figures
    assert (figures[2].value, figures[2].tone) == ("1", Mark.DEVIATION)


@pytest.mark.parametrize(
    ("value", "counted"),
    [
        pytest.param(use("a", since_days=20), False, id="young and in use"),
        pytest.param(use("a", since_days=90), False, id="at its limit at the freeze"),
        pytest.param(use("a", since_days=91), True, id="overdue at the freeze"),
        pytest.param(use("a", since_days=170, until_days=30), True, id="overdue in the period, replaced since"),
        pytest.param(use("a", since_days=300, until_days=100), False, id="overdue, but replaced before the period"),
        pytest.param(use("a", since_days=120, until_days=40), False, id="replaced in time"),
        pytest.param(use("a", since_days=120, until_days=29), True, id="replaced a day late"),
    ],
)
def test_a_spell_counts_if_any_of_it_lies_in_the_period(value: object, counted: bool) -> None:
    """Overdue is a matter of the period, not of its last day."""
    of = evidence(uses=[value])  # type: ignore[list-item]
    assert counted is bool(of.spells)


def test_a_value_that_was_replaced_late_is_reported_though_nothing_is_overdue_now() -> None:
    """The closed spell is listed with its end and counted against CC4.1."""
    of = evidence(
        [key("orders", 10)],
        uses=[use("orders", since_days=170, until_days=10), use("orders", since_days=10, version=2)],
    )
    document = build(of)
    (row,) = table(section(document, "Overdue credentials and exceptions"), "Past it at any time of the period").rows
    assert (row[0].text, row[3].text, row[4].text) == ("v1 of orders", "20 Sep 2026", "70 d")
    control = next(
        r
        for r in table(section(document, "Results: SOC 2"), "SOC 2 · Trust Services Criteria").rows
        if r[0].text == "CC4.1"
    )
    assert control[6].text == "Exceptions noted"
    assert [row["credential"] for row in attached(document, "EV-06-overdue.csv")] == ["orders"]


_FORBIDDEN = re.compile(r"\b(compliant|certif\w+|opinions?|attests|attestation)\b", re.IGNORECASE)


@pytest.mark.parametrize("framework", list(Framework))
@pytest.mark.parametrize("of", [evidence(), quarter()], ids=["empty", "full"])
def test_the_report_draws_no_conclusion_for_the_auditor(of: Evidence, framework: Framework) -> None:
    """A tool does not say compliant, certified or opinion."""
    for text in (html.render(build(of, framework)).decode(), json_renderer.render(build(of, framework)).decode()):
        assert not _FORBIDDEN.search(text)


def test_pci_dss_asks_for_the_frequency_of_the_risk_analysis_not_for_ninety_days() -> None:
    """8.6.3 rests on 12.3.1; 3.6 and 3.7 are not applicable, with the reason; the words are those of the standard's report."""
    chapter = section(build(quarter(), Framework.PCI_DSS), "Results: PCI DSS")
    rows = {row[0].text: row for row in table(chapter, "PCI DSS v4.0.1").rows}
    assert "frequency in 8.6.3 comes from the organisation's targeted risk analysis (12.3.1)" in chapter.lead
    assert (rows["3.6, 3.7"][6].mark, rows["3.6, 3.7"][6].text) == (Mark.NOT_APPLICABLE, "Not applicable")
    assert rows["8.6.3"][6].text == "Deviations noted"
    assert rows["10.2.1.5"][6].text == "Supports “In Place”"
    text = html.render(build(quarter())).decode()
    assert not re.search(r"PCI( DSS)?[^.]{0,60}(requires|demands|every)[^.]{0,30}90", text)
    assert not {"8.3.9", "8.3.10.1", "8.2.6"} & set(rows)


@pytest.mark.parametrize(
    ("framework", "left_out"), [(Framework.SOC2, "Results: PCI DSS"), (Framework.PCI_DSS, "Results: SOC 2")]
)
def test_one_framework_alone_leaves_the_other_chapter_out(framework: Framework, left_out: str) -> None:
    """An edition for one reader has the results of one standard."""
    both = {s.title for s in build(quarter()).sections}
    assert both - {s.title for s in build(quarter(), framework).sections} == {left_out}


@pytest.mark.parametrize(
    "name", ["CC6.1", "CC6.6", "CC7.1", "CC7.4", "CC8.1", "CC6.2", "CC6.3", "CC7.3", "CC4.1", "CC2.1", "CC4.2"]
)
def test_without_evidence_a_control_is_not_evaluated(name: str) -> None:
    """Never a green mark with nothing behind it."""
    rows = table(section(build(evidence(entries=0)), "Results: SOC 2"), "SOC 2 · Trust Services Criteria").rows
    row = next(row for row in rows if row[0].text == name)
    assert (row[6].mark, row[3].text, row[4].text) == (Mark.NOT_EVALUATED, "–", "–")


@pytest.mark.parametrize(
    ("of", "control", "tested", "deviations"),
    [
        pytest.param(evidence([key("a", 91), key("b", 1)]), "CC6.1", 2, 1, id="one of two keys is too old"),
        pytest.param(evidence([key("a", 1, owner="")]), "CC6.2", 1, 1, id="nobody owns the key"),
        pytest.param(evidence([key("a", 1, agents=("x", "y"))]), "CC6.3", 1, 1, id="two agents share a key"),
        pytest.param(evidence(exposures=[exposure("a", seconds=None)]), "CC6.6", 1, 1, id="a leaked key lives"),
        pytest.param(evidence(exposures=[exposure("a")]), "CC6.6", 1, 0, id="a leaked key is dead"),
        pytest.param(evidence(scans=[scan(), scan(gaps=[("x", "bomb")])]), "CC7.1", 2, 1, id="a scan has a gap"),
        pytest.param(
            evidence(exposures=[exposure("a", seconds=None, opened=False)]),
            "CC7.3",
            1,
            1,
            id="a leak opened no incident",
        ),
        pytest.param(
            evidence(rotations=[rotation("a", dead_ms=60_000)]), "CC7.4", 1, 0, id="dead in the sixtieth second"
        ),
        pytest.param(evidence(rotations=[rotation("a", dead_ms=60_001)]), "CC7.4", 1, 1, id="dead a millisecond late"),
        pytest.param(evidence(rotations=[rotation("a", dead_ms=None)]), "CC7.4", 1, 1, id="never proven dead"),
        pytest.param(evidence(rotations=[rotation("a")]), "CC8.1", 1, 0, id="agent seen before promotion"),
    ],
)
def test_a_control_counts_what_it_tested_and_what_deviates(
    of: Evidence, control: str, tested: int, deviations: int
) -> None:
    """Both numbers stand in the row, whole population each time."""
    rows = table(section(build(of), "Results: SOC 2"), "SOC 2 · Trust Services Criteria").rows
    row = next(row for row in rows if row[0].text == control)
    assert (str(tested), str(deviations)) == (row[3].text, row[4].text)
    assert (Mark.DEVIATION if deviations else Mark.OK) is row[6].mark


def test_a_promotion_before_the_agent_was_seen_is_a_deviation() -> None:
    """The order of the two steps is tested, not their presence."""
    done = rotation("a")
    steps = tuple(replace(s, at_ms=900) if s.step == "attest" else s for s in done.steps)
    rows = table(
        section(build(evidence(rotations=[replace(done, steps=steps)])), "Results: SOC 2"),
        "SOC 2 · Trust Services Criteria",
    ).rows
    assert next(row for row in rows if row[0].text == "CC8.1")[4].text == "1"


def test_a_key_that_was_dead_before_it_was_seen_took_no_time() -> None:
    """An old key found in an old log does not give a negative duration."""
    dead = exposure("a", seconds=-3600.0)
    (row,) = table(
        section(build(evidence(exposures=[dead])), "From leak to proof of death"), "Exposures of stored keys"
    ).rows
    assert (dead.seconds, row[4].text) == (None, "dead before")


def test_a_long_inventory_prints_the_overdue_ones_and_says_where_the_rest_is() -> None:
    """Nothing is cut silently: the number printed, the number there is, and the attachment that has all."""
    of = evidence(key(f"key-{n:04}", 10 if n % 100 else 120) for n in range(1500))
    document = build(of)
    appendix = section(document, "Appendix: inventory")
    assert len(table(appendix, "Credentials").rows) == 15
    assert appendix.lead == "15 overdue of 1,500 credentials are printed; EV-01 holds all of them."
    assert len(attached(document, "EV-01-population.csv")) == 1500


def test_the_report_id_follows_the_evidence() -> None:
    """The same evidence has the same id; one day more in one row has another."""
    one, other = build(story_ten()), build(evidence(key(f"key-{age}", age) for age in (10, 80, 91, 401)))
    assert build(story_ten()).id == one.id != other.id


def test_prose_and_attachments_agree_on_every_leak() -> None:
    """The JSON of the document, the lead and EV-03 tell the same number and the same fate."""
    document = build(quarter())
    rows = attached(document, "EV-03-exposures.csv")
    assert [row["seconds"] for row in rows] == ["3.5", ""]
    lead = section(document, "From leak to proof of death").lead
    assert lead.startswith("2 stored keys leaked, 1 not proven dead")
    assert lead in json.loads(json_renderer.render(document))["sections"][5]["lead"]


def test_the_freeze_is_the_last_moment_of_the_report() -> None:
    """Days over count to the freeze for a value in use, to its end for one that was replaced."""
    assert use("a", since_days=120).days_over(FREEZE) == 30
    assert use("a", since_days=120, until_days=10).days_over(FREEZE) == 20
    assert FREEZE - timedelta(days=29) == use("a", since_days=120).overdue_from
