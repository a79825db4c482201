"""`keysweep keys`: values go in by standard input, prompt or private file; they are never shown, by any command."""

from __future__ import annotations

import csv
import io
import json
import os
import random
from pathlib import Path

import pytest

from keysweep.foundation.settings import Settings
from keysweep.rotation.credential import State
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import unlock
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate
from tests.fakes.program import keysweep


def key(rule: str, seed: int = 5) -> str:
    """A synthetic key."""
    return generate(next(r for r in load_ruleset().rules if r.id == rule), random.Random(seed))


@pytest.fixture
def values() -> list[str]:
    """Three keys."""
    return [key("anthropic-api-key"), key("openai-project-key"), "a-value-that-no-rule-knows"]


def as_csv(values: list[str]) -> str:
    """An import file with every kind of column."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["name", "provider", "value", "agent", "created_at"])
    providers = ["anthropic", "openai", "inhouse"]
    writer.writerows([f"k{i}", providers[i], v, "agent-1", "2026-01-01T00:00:00Z"] for i, v in enumerate(values))
    return text.getvalue()


def as_jsonl(values: list[str]) -> str:
    """The same as JSON Lines."""
    rows = csv.DictReader(io.StringIO(as_csv(values)))
    return "".join(json.dumps(row) + "\n" for row in rows)


def as_dotenv(values: list[str]) -> str:
    """What of it a rule knows, as variables."""
    return "".join(f"K{i}={value}\n" for i, value in enumerate(values))


def listed() -> list[dict[str, object]]:
    """What `keys list` says."""
    rows: list[dict[str, object]] = json.loads(keysweep("keys", "list", "--format", "json").stdout)
    return rows


@pytest.mark.parametrize("through", ["file", "standard input"])
@pytest.mark.parametrize(
    ("write", "names"),
    [
        pytest.param(as_csv, ["k0", "k1", "k2"], id="csv"),
        pytest.param(as_jsonl, ["k0", "k1", "k2"], id="jsonl"),
        pytest.param(as_dotenv, ["k0", "k1"], id="dotenv: what the rules know"),
    ],
)
def test_import_says_one_line_a_key_on_standard_error(
    place: Settings, tmp_path: Path, values: list[str], write, names: list[str], through: str
) -> None:
    """From a file or from `-`, the form guessed; no value anywhere in the output."""
    path = tmp_path / "keys"
    path.write_text(write(values))
    done = (
        keysweep("keys", "import", path) if through == "file" else keysweep("keys", "import", "-", stdin=write(values))
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert [f"{name}: added" for name in names] == [
        line for line in done.stderr.splitlines() if line.endswith(": added")
    ]
    assert names == [row["name"] for row in listed()]
    assert not any(value in done.stderr for value in values)


def test_a_bad_row_names_its_line_and_nothing_is_imported(place: Settings, values: list[str]) -> None:
    """Exit 2; the next command is in the hint."""
    text = as_csv(values) + f"bad name,openai,{values[0]}\n"
    done = keysweep("keys", "import", "-", stdin=text)
    assert (done.returncode, done.stdout) == (2, "")
    assert "line 5: " in done.stderr
    assert "nothing was imported" in done.stderr
    assert values[0] not in done.stderr
    assert listed() == []


def test_partial_takes_the_good_rows_and_still_says_that_some_were_bad(place: Settings, values: list[str]) -> None:
    """Exit 2, with the good ones stored."""
    lines = as_csv(values).splitlines()
    done = keysweep("keys", "import", "--partial", "-", stdin="\n".join([*lines[:2], ",openai,x,,", *lines[2:]]))
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["k0: added", "line 3: name is missing", "k1: added", "k2: added"]
    assert len(listed()) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("import", "/nowhere/keys.csv"), id="a file that is not there"),
        pytest.param(("import", "/"), id="a folder"),
        pytest.param(("import", "--format", "xml", "-"), id="an unknown form"),
        pytest.param(("add", "x", "--provider", "p", "--from-file", "/nowhere"), id="a value file that is not there"),
        pytest.param(("show", "nobody"), id="a name that is not there"),
        pytest.param(("set", "nobody"), id="a value for a name that is not there"),
    ],
)
def test_a_wrong_request_ends_with_2(place: Settings, arguments: tuple[str, ...]) -> None:
    """Nothing on standard output, no traceback."""
    done = keysweep("keys", *arguments, stdin="value")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: " in done.stderr


def test_bytes_that_are_no_text_are_refused(place: Settings) -> None:
    """Before anything is stored."""
    done = keysweep("keys", "import", "-", stdin=b"name,provider,value\na,b,\xff\xfe\n")
    assert done.returncode == 2
    assert "not UTF-8" in done.stderr


@pytest.mark.slow
def test_ten_thousand_keys_are_imported(place: Settings) -> None:
    """At once, in one transaction (for the cost of a row see the inventory's tests)."""
    rows = "".join(f"k{i},other,value number {i} of many,agent-{i % 40}\n" for i in range(10_000))
    done = keysweep("keys", "import", "-", stdin=f"name,provider,value,agent\n{rows}")
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 10_000


@pytest.mark.parametrize("command", ["add", "set"])
@pytest.mark.parametrize("how", ["standard input", "private file"])
def test_a_value_comes_by_standard_input_or_private_file(
    place: Settings, tmp_path: Path, values: list[str], command: str, how: str
) -> None:
    """A line end at its end is not part of it."""
    if command == "set":
        keysweep("keys", "add", "one", "--provider", "anthropic", stdin=key("anthropic-api-key", 99))
    arguments = ["keys", command, "one", *(["--provider", "anthropic"] if command == "add" else [])]
    if how == "private file":
        path = tmp_path / "value"
        path.touch(mode=0o600)
        path.write_text(values[0] + "\n")
        done = keysweep(*arguments, "--from-file", path)
    else:
        done = keysweep(*arguments, stdin=values[0] + "\r\n")
    assert (done.returncode, done.stdout) == (0, "")
    assert values[0] not in done.stderr
    opened = unlock(place)
    with opened.database.read() as connection:
        current = store.version_in(connection, store.credential_named(connection, "one").id, State.CURRENT)
        assert current is not None
        assert values[0] == opened.vault.open_version(connection, current.ref).reveal_text()
    opened.close()


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        pytest.param(("--from-file", "{open}"), "", id="a file that others may read"),
        pytest.param(("--from-file", "{empty}"), "", id="an empty file"),
        pytest.param((), "", id="nothing on standard input"),
        pytest.param((), "\n", id="an empty line"),
    ],
)
def test_a_value_that_cannot_be_taken_is_refused(
    place: Settings, tmp_path: Path, arguments: tuple[str, ...], stdin: str
) -> None:
    """Exit 2, and nothing stored."""
    files = {"open": tmp_path / "open", "empty": tmp_path / "empty"}
    files["open"].write_text("value")
    files["open"].chmod(0o644)
    files["empty"].touch(mode=0o600)
    filled = [argument.format(**files) for argument in arguments]
    assert keysweep("keys", "add", "one", "--provider", "p", *filled, stdin=stdin).returncode == 2
    assert listed() == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("keys", "add", "one", "--provider", "p", "{}"), id="behind the name"),
        pytest.param(("keys", "add", "one", "--provider", "p", "--value", "{}"), id="as an option"),
        pytest.param(("keys", "add", "one", "--provider", "p", "--value={}"), id="as an option with an equals sign"),
        pytest.param(("keys", "set", "one", "{}"), id="of set"),
        pytest.param(("keys", "import", "--format", "{}", "-"), id="in a wrong place"),
        pytest.param(("{}",), id="as a command"),
    ],
)
def test_a_value_on_the_command_line_is_refused_and_not_repeated(
    place: Settings, values: list[str], arguments: tuple[str, ...]
) -> None:
    """A key that was typed by mistake does not go into a log as well."""
    for value in values:
        done = keysweep(*(argument.format(value) for argument in arguments), stdin="")
        assert done.returncode == 2
        assert value not in done.stdout + done.stderr


def test_no_command_ever_shows_a_value(place: Settings, values: list[str]) -> None:
    """list, show, audit, doctor and scan, in every format, with the log at its loudest."""
    keysweep("keys", "import", "-", stdin=as_csv(values))
    Path("leak.txt").write_text("\n".join(values))
    commands = [
        ("keys", "list"),
        ("keys", "list", "--format", "json"),
        ("keys", "show", "k0"),
        ("audit",),
        ("audit", "-o", "jsonl"),
        ("doctor", "--json"),
        ("agents", "list"),
        *(("scan", "leak.txt", "-o", form) for form in ("text", "json", "jsonl", "sarif")),
    ]
    for command in commands:
        done = keysweep("-vv", *command)
        shown = done.stdout + done.stderr
        assert shown, command
        for value in values:
            assert value not in shown, command
            assert value[-24:] not in shown, command


def test_list_and_show_say_what_is_stored(place: Settings, values: list[str]) -> None:
    """Name, provider, version, fingerprint, age and agents; prefix and length of a key that a rule knows."""
    keysweep("keys", "import", "-", stdin=as_csv(values))
    row = listed()[0]
    assert (row["name"], row["provider"], row["version"], row["agents"]) == ("k0", "anthropic", 1, ["agent-1"])
    assert str(row["fingerprint"]).startswith("kf:")
    shown = keysweep("keys", "show", "k0").stdout
    assert f"sk-ant-api03-… ({len(values[0])} characters)" in shown
    assert str(row["fingerprint"]) in shown


def test_a_name_cannot_steer_the_terminal(place: Settings) -> None:
    """Owner and environment are free text; their escape sequences are shown, not obeyed."""
    keysweep("keys", "add", "one", "--provider", "p\x1b[31m", "--owner", "\x1b]0;x\x07", stdin="some value")
    for command in (("list",), ("show", "one")):
        assert "\x1b" not in keysweep("keys", *command).stdout, command


def test_a_locked_store_is_denied(place: Settings) -> None:
    """Exit 6 when others may read the key file; the hint is the command that mends it."""
    place.key_file.chmod(0o644)
    done = keysweep("keys", "list")
    assert (done.returncode, done.stdout) == (6, "")
    assert f"chmod 600 {place.key_file}" in done.stderr


def test_without_a_store_the_next_command_is_init(tmp_path: Path) -> None:
    """Exit 2, and the hint."""
    done = keysweep("keys", "list", "--store", os.fspath(tmp_path / "none.db"))
    assert done.returncode == 2
    assert "keysweep init" in done.stderr
