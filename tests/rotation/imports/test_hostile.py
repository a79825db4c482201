"""Files that are made to hurt: each is read within limits or refused with a sentence, and no value stands in what is said."""

from __future__ import annotations

import io
import json
import os
import socket
import sqlite3
import struct
import time
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keysweep.foundation.errors import KeysweepError, UsageError
from keysweep.rotation.imports import detect, form, form_names
from keysweep.rotation.imports.document import LARGEST, Document, read_file, read_stream
from keysweep.rotation.imports.gather import gather
from keysweep.rotation.imports.structured import NoTreeError, parse_json, parse_json5
from keysweep.rotation.inventory import ImportRowError
from tests.rotation.imports.reading import OPENAI, read
from tests.rotation.imports.test_forms import pux

CANARY = OPENAI[:60]
"""Not a whole key, so that no rule knows it."""
LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(LAUGHS, "refers to other parts of itself", id="aliases that double"),
        pytest.param("a: &a\n  b: *a\n", "refers to other parts of itself", id="an alias of itself"),
        pytest.param("a:\n  " + "- " * 5000 + "x\n", "more than 64 levels", id="deep YAML"),
        pytest.param("[" * 200_000, "more than 64 levels|neither JSON nor YAML", id="brackets without end"),
        pytest.param('{"a":' * 80 + '"x"' + "}" * 80, "more than 64 levels", id="deep JSON"),
        pytest.param('{"a": {"token": "x", "token": "y"}}', "token is given twice", id="a name twice in JSON"),
        pytest.param("a:\n  token: x\n  token: y\n", "token is given twice", id="a name twice in YAML"),
        pytest.param('{"' + OPENAI + '": 1, "' + OPENAI + '": 2}', "looks like a key", id="a key twice as a name"),
    ],
)
def test_structures_that_grow_or_contradict_themselves(text: str, says: str) -> None:
    """They are refused at once, whatever they would become."""
    began = time.monotonic()
    with pytest.raises(ImportRowError, match=says) as caught:
        read(text, "map")
    assert time.monotonic() - began < 5
    assert OPENAI not in caught.value.message


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("A_KEY=" + "1" * 300_000 + "x", id="digits"),
        pytest.param("A_KEY=" + "a/" * 150_000, id="a path"),
        pytest.param("A_KEY=" + "a." * 150_000 + "1", id="a host"),
        pytest.param("A_KEY='" + "\\'" * 150_000, id="quotes"),
        pytest.param('A_KEY="' + '\\"' * 150_000, id="escaped quotes"),
        pytest.param("A_KEY=" + " #" * 150_000, id="comments"),
        pytest.param("A_KEY=" + "${" * 150_000, id="references"),
        pytest.param("A" * 300_000 + "=x", id="a name"),
        pytest.param(" " * 300_000 + "x", id="blanks"),
        pytest.param("export " * 40_000, id="export"),
        pytest.param("A_KEY=a-value-93715\0", id="NUL"),
    ],
)
def test_long_lines_take_linear_time(line: str) -> None:
    """No pattern that judges a line looks at it again and again."""
    began = time.monotonic()
    read(line + "\n", "dotenv")
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("size", [200_000])
@pytest.mark.parametrize("part", ["/*", "//", "'\\", '"\\', "a", ",", "{a:", "*/", "/"])
def test_json5_takes_linear_time(part: str, size: int) -> None:
    """Comments and strings that never end, too."""
    began = time.monotonic()
    with pytest.raises((NoTreeError, ImportRowError)):
        parse_json5("{" + part * (size // len(part)))
    assert time.monotonic() - began < 3


def test_a_bomb_in_an_archive_is_not_unpacked() -> None:
    """Only the one member is read, and only so much of it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("export.data", "w") as member:
        for _ in range((LARGEST >> 20) + 2):
            member.write(bytes(1 << 20))
    assert len(made.getvalue()) < 1 << 20
    with pytest.raises(ImportRowError, match="larger than"):
        read(made.getvalue())


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"PK\x03\x04" + bytes(100), id="no directory"),
        pytest.param(pux(b"\xff\xfe\xff"), id="no text"),
        pytest.param(pux({"accounts": [{"vaults": {"items": 3}}, 7]})[:-8], id="cut off"),
        pytest.param(pux([1]).replace(struct.pack("<H", 8), struct.pack("<H", 99)), id="an unknown way to compress"),
    ],
)
def test_an_archive_that_is_broken(content: bytes) -> None:
    """A sentence that says what was expected."""
    with pytest.raises(ImportRowError, match=r"1pux export|not JSON"):
        read(content)


def test_a_database_that_is_made_to_act(tmp_path: Path) -> None:
    """Views and damage in the place of tables are not read."""
    path = tmp_path / "a.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE VIEW secret_store_entries AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS name,"
            "'v' AS value FROM n; CREATE TABLE auth_profile_store(store_key TEXT, store_json BLOB);"
            "INSERT INTO auth_profile_store VALUES ('a', x'ff'), ('b', '[1]'), ('c', '{\"profiles\": {\"x\": 3}}'), (NULL, NULL)"
        )
    document = read_file(path)
    found = gather(form("openclaw-store").read(document))
    assert [place for place, _ in found.rows] == ["auth_profile_store/a", "auth_profile_store/None"]
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 4096)
    with pytest.raises(ImportRowError, match="damaged"):
        gather(form("openclaw-store").read(read_file(path)))


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """Folders, devices and sockets; a link leads to what it names."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        for path in (tmp_path, tmp_path / "s", Path("/dev/zero")):
            with pytest.raises(UsageError, match="no regular file"):
                read_file(path)
    with pytest.raises(UsageError, match="cannot read"):
        read_file(tmp_path / "none")
    (tmp_path / "real").write_text("A=1")
    (tmp_path / "link").symlink_to("real")
    assert read_file(tmp_path / "link").text == "A=1"
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="cannot read"):
        read_file(tmp_path / "loop")


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    """Sparse files cost nothing to make."""
    path = tmp_path / "huge"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    with pytest.raises(UsageError, match="larger than"):
        read_file(path)


def test_bytes_are_wiped() -> None:
    """The buffer is overwritten and the text let go."""
    document = read_stream(io.BytesIO(f"A_KEY={OPENAI}".encode()))
    data = document.data
    assert OPENAI in document.text
    document.wipe()
    assert bytes(len(data)) == bytes(data)
    assert "text" not in vars(document)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=300)
def test_no_format_fails_on_anything(content: bytes) -> None:
    """Bytes of any kind are read or refused, by every format."""
    for name in (*form_names(), "auto"):
        try:
            read(content, name)
        except KeysweepError:
            continue


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["mcpServers", "servers", "env", "args", "kind", "items", "data", "metadata", "profiles", "key", "value",
                         "type", "provider", "$include", "gateway", "models", "url", "headers"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(trees)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=300)
def test_no_format_fails_on_shapes_of_another_kind(tree: object) -> None:
    """Known names with values of any kind."""
    text = json.dumps(tree)
    for name in (*form_names(), "auto"):
        try:
            read(text, name)
        except KeysweepError:
            continue


@given(trees)
def test_json_is_json5(tree: object) -> None:
    """Whatever is JSON means the same to the wider syntax."""
    text = json.dumps(tree)
    assert parse_json(text) == parse_json5(text)


def test_detection_needs_no_format_to_agree() -> None:
    """An empty file is of no format."""
    with pytest.raises(UsageError, match="no format"):
        detect(Document("nothing", b""))


def said(content: str) -> str:
    """Everything that an import of this would print: places, names, reasons, messages."""
    try:
        found = read(content)
    except KeysweepError as error:
        return f"{error.message} {error.hint} {error.__cause__}"
    return json.dumps([found.errors, found.left, found.providers, found.gathered.same], ensure_ascii=False)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            json.dumps({"mcpServers": {"a": {"env": {"A_KEY": CANARY}, "args": ["--token", CANARY]}}}), id="mcp"
        ),
        pytest.param(f"[mcp_servers.a.env]\nA_KEY = '{CANARY}'\n", id="codex"),
        pytest.param(
            f"gateway: {{auth: {{token: '{CANARY}'}}}}, models: {{a: {{apiKey: '{CANARY}'}}}}".join("{}"), id="openclaw"
        ),
        pytest.param(
            f"kind: Secret\nmetadata: {{name: a}}\nstringData:\n  A: '{CANARY}'\ndata:\n  B: {CANARY}\n",
            id="kubernetes",
        ),
        pytest.param(f"A_KEY='{CANARY}'\nB_KEY=\"{CANARY}\nC={CANARY}", id="dotenv"),
        pytest.param(f'name,provider,value\na,p,{CANARY}\nb,p,"{CANARY}\n', id="csv"),
        pytest.param(json.dumps({"name": "a", "provider": "p", "value": CANARY, "owner": 1}) + "\n", id="jsonl"),
        pytest.param(json.dumps([{"key": "A", "value": CANARY}]), id="infisical"),
        pytest.param(json.dumps({"DOPPLER_PROJECT": "a", "DOPPLER_CONFIG": "b", "T": CANARY}), id="doppler"),
        pytest.param(f"a:\n  b: {CANARY}\n  c: [{CANARY}]\n", id="map"),
        pytest.param(f'Title,Password\na,{CANARY}\nb,"{CANARY}\n', id="onepassword-csv"),
    ],
)
def test_no_damaged_file_makes_a_message_repeat_a_value(content: str) -> None:
    """Cut anywhere, or with any character doubled or left out."""
    for at in range(len(content)):
        for damaged in (
            content[:at],
            content[at:],
            content[:at] + content[at + 1 :],
            content[:at] + content[at] * 2 + content[at + 1 :],
        ):
            assert CANARY not in said(damaged), (at, damaged)
