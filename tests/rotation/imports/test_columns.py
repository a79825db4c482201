"""CSV and JSON Lines are a contract with other programs: each row becomes an entry, or an error that names its line and not its value."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.rotation.credential import State
from keysweep.rotation.imports import detect, form
from keysweep.rotation.imports.document import Document
from keysweep.rotation.inventory import Entry, ImportRowError

HEAD = "name,provider,value"


def read(text: str, name: str = "auto") -> list[tuple[str, object]]:
    """Place and content of each row."""
    document = Document("keys", text.encode("utf-8", "surrogatepass"))
    return list(form(detect(document) if name == "auto" else name).read(document))


def outcomes(text: str, name: str = "auto") -> list[tuple[str, str]]:
    """Place and name of each good row, place and message of each bad one."""
    found = []
    for place, entry in read(text, name):
        assert isinstance(entry, Entry | ImportRowError)
        found.append((place, entry.name if isinstance(entry, Entry) else entry.message))
    return found


def one(text: str, form: str = "auto") -> Entry:
    """The only entry of a file that is good."""
    ((_, entry),) = read(text, form)
    assert isinstance(entry, Entry), entry
    return entry


FULL = {
    "name": "claude-prod",
    "provider": "Anthropic",
    "value": "v-1",
    "agent": "support",
    "owner": "team-a",
    "environment": "production",
    "created_at": "2026-01-02T03:04:05Z",
    "rotated_at": "2026-02-03T06:05:06+02:00",
    "expires_at": "2027-01-01T00:00:00.000001Z",
    "provider_key_id": "key_1",
    "admin": "true",
}


@pytest.mark.parametrize("form", ["auto", "named"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_all_columns_of_the_contract(kind: str, form: str) -> None:
    """CSV and JSON Lines carry the same columns and mean the same."""
    if kind == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(FULL))
        writer.writeheader()
        writer.writerow(FULL)
        content = text.getvalue()
    else:
        content = json.dumps({**FULL, "admin": True}) + "\n"
    entry = one(content, kind if form == "named" else "auto")
    assert entry.value.reveal() == b"v-1"
    assert (entry.name, entry.provider, entry.agent, entry.owner) == ("claude-prod", "anthropic", "support", "team-a")
    assert (entry.environment, entry.provider_key_id, entry.is_admin, entry.admin) == (
        "production",
        "key_1",
        True,
        None,
    )
    assert datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) == entry.created_at
    assert datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC) == entry.rotated_at
    assert datetime(2027, 1, 1, 0, 0, 0, 1, tzinfo=UTC) == entry.expires_at
    assert State.CURRENT is entry.state


values = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=40)


@given(st.lists(values, min_size=1, max_size=5))
def test_a_value_survives_csv_unchanged(found: list[str]) -> None:
    """Whatever it holds: quotes, commas, line ends, other scripts."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(HEAD.split(","))
    writer.writerows((f"n{i}", "p", value) for i, value in enumerate(found))
    entries = [entry for _, entry in read(text.getvalue(), "csv")]
    assert found == [entry.value.reveal_text() for entry in entries if isinstance(entry, Entry)]


@given(st.lists(values, min_size=1, max_size=5), st.booleans())
def test_a_value_survives_json_lines_unchanged(found: list[str], ascii_only: bool) -> None:
    """Also where other programs see a line end, as U+2028; the line numbers stay right."""
    lines = [json.dumps({"name": "n", "provider": "p", "value": v}, ensure_ascii=ascii_only) for v in found]
    entries = read("\n".join(lines), "jsonl")
    assert [f"line {number}" for number in range(1, len(found) + 1)] == [place for place, _ in entries]
    assert found == [entry.value.reveal_text() for _, entry in entries if isinstance(entry, Entry)]


SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        pytest.param(f",p,{SECRET}", "name is missing", id="no name"),
        pytest.param(f"n,,{SECRET}", "provider is missing", id="no provider"),
        pytest.param("n,p,", "value is missing", id="no value"),
        pytest.param("n", "provider is missing", id="a row that ends early"),
        pytest.param(f"n,p,{SECRET},more", "more cells than columns", id="a comma that was not quoted"),
    ],
)
def test_a_bad_csv_row_names_its_line_and_not_its_value(row: str, says: str) -> None:
    """The rows around it are still parsed."""
    found = outcomes(f"{HEAD}\ngood,p,v\n{row}\nlast,p,v\n")
    assert [place for place, _ in found] == ["line 2", "line 3", "line 4"]
    assert says in found[1][1]
    assert SECRET not in found[1][1]
    assert (found[0][1], found[2][1]) == ("good", "last")


def record(**changed: object) -> str:
    """A JSON line."""
    return json.dumps({"name": "n", "provider": "p", "value": SECRET, **changed})


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param("{" + SECRET, "not a JSON object", id="no JSON"),
        pytest.param("[]", "not a JSON object", id="a list"),
        pytest.param("[" * 100_000, "not a JSON object", id="nested too deeply"),
        pytest.param('{"name": "n", "name": "m"}', "name is given twice", id="a column twice"),
        pytest.param(record(value=[SECRET]), "value is no text", id="a list as a value"),
        pytest.param(record(value={"a": SECRET}), "value is no text", id="an object as a value"),
        pytest.param(record(created_at="yesterday"), "created_at is not an RFC 3339 time", id="no time"),
        pytest.param(record(rotated_at="2026-01-01T00:00:00"), "rotated_at", id="a time without a zone"),
        pytest.param(record(expires_at="2026-13-01T00:00:00Z"), "expires_at", id="a thirteenth month"),
        pytest.param(record(state="retired"), "state is current or standby", id="a state that cannot be imported"),
        pytest.param(record(settings="{"), "settings is not a JSON object", id="settings that are no object"),
        pytest.param(record(colour="red"), "unknown column 'colour'", id="an unknown column"),
        pytest.param(record(value="\ud800" + SECRET), "value holds a character that is no text", id="half a surrogate"),
        pytest.param(record(owner="a\0b"), "owner holds a character that is no text", id="a NUL"),
        pytest.param(record(value=None), "value is missing", id="null"),
    ],
)
def test_a_bad_json_line_names_its_line_and_not_its_value(line: str, says: str) -> None:
    """The lines around it are still parsed; an empty line is no row."""
    found = outcomes("\n".join([record(name="good"), "", line, record(name="last")]), "jsonl")
    assert [place for place, _ in found] == ["line 1", "line 3", "line 4"]
    assert says in found[1][1]
    assert SECRET not in found[1][1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("name,value\na,b\n", "no column provider", id="a column is missing"),
        pytest.param("name,provider,value,colour\n", "unknown column 'colour'", id="a column is unknown"),
        pytest.param(f'{HEAD}\na,p,"v"x"\n', "line 2 is not CSV", id="a quote in the wrong place"),
        pytest.param('name,"provider"x,value\n', "line 1 is not CSV", id="a header that is none"),
        pytest.param(f'{HEAD}\na,p,"v\n', "is not CSV", id="a quote that never ends"),
        pytest.param(f"{HEAD}\na,p,{'v' * 200_000}\n", "line 2 is not CSV", id="a cell without end"),
    ],
)
def test_a_csv_that_is_none_is_refused_whole(text: str, says: str) -> None:
    """What is behind such a place cannot be trusted."""
    with pytest.raises(ImportRowError, match=says):
        read(text, "csv")


def test_a_byte_order_mark_is_no_part_of_a_name() -> None:
    """Spreadsheets write one."""
    assert one(f"\ufeff{HEAD}\na,p,v\n").name == "a"
    assert one("\ufeff" + record()).name == "n"


@pytest.mark.parametrize(
    ("text", "is_admin", "admin"),
    [
        pytest.param("", False, None, id="not stated"),
        pytest.param("false", False, None, id="false"),
        pytest.param("No", False, None, id="no"),
        pytest.param("TRUE", True, None, id="true"),
        pytest.param("1", True, None, id="one"),
        pytest.param("openai-admin", False, "openai-admin", id="the name of its administrator"),
    ],
)
def test_the_admin_column_says_yes_no_or_who(text: str, is_admin: bool, admin: str | None) -> None:
    """One column, two questions."""
    entry = one(record(admin=text))
    assert (is_admin, admin) == (entry.is_admin, entry.admin)


@pytest.mark.parametrize("settings", ['{"project_id": "p", "n": 1}', "project_id=p; n=1"])
def test_settings_are_public_facts_as_text(settings: str) -> None:
    """Both spellings mean the same."""
    assert one(record(settings=settings)).settings == {"project_id": "p", "n": "1"}
