"""Imports do not leak: a canary in a file of each format, whole and damaged, appears in no output and in no file of ours."""

from __future__ import annotations

import json
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from keysweep.foundation.settings import Settings
from keysweep.rotation.imports import form_names
from tests.fakes.command_line import command
from tests.fakes.plaintext import found_below, found_in, needles
from tests.rotation.imports.test_forms import encoded, item, pux


def content(form: str, value: str, folder: Path) -> bytes:
    """A file of a format that holds the value."""
    server = {"command": "x", "env": {"API_KEY": value}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"API_KEY": encoded(value)}}
    profile = {"version": 1, "profiles": {"groq:a": {"type": "api_key", "provider": "groq", "key": value}}}
    vaults = [{"attrs": {"name": "Team"}, "items": [item("A", password=value)]}]
    match form:
        case "openclaw-store":
            return _database(value, folder)
        case "onepassword":
            return pux({"accounts": [{"vaults": vaults}]})
    return {
        "codex": f"[mcp_servers.a.env]\nAPI_KEY = '{value}'\n",
        "csv": f"name,provider,value\na,custom,{value}\n",
        "doppler": json.dumps({"DOPPLER_PROJECT": "p", "DOPPLER_CONFIG": "c", "API_KEY": value}),
        "dotenv": f"API_KEY='{value}'\n",
        "infisical": json.dumps([{"key": "API_KEY", "value": value, "type": "shared"}]),
        "jsonl": json.dumps({"name": "a", "provider": "custom", "value": value}) + "\n",
        "kubernetes": json.dumps(secret),
        "map": json.dumps({"a": {"api_key": value}}),
        "mcp": json.dumps({"mcpServers": {"a": server}}),
        "onepassword-csv": f"Title,Url,Username,Password,OTPAuth\nA,https://a.example,me,{value},\n",
        "openclaw": json.dumps(profile),
    }[form].encode()


def _database(value: str, folder: Path) -> bytes:
    path = folder / "made.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE secret_store_entries(scope_kind TEXT, scope_id TEXT, name TEXT, value TEXT, kind TEXT, deleted_at_ms INTEGER)"
        )
        connection.execute(
            "INSERT INTO secret_store_entries VALUES ('global', '', 'API_KEY', ?, 'secret', NULL)", (value,)
        )
        connection.commit()
    made = path.read_bytes()
    path.unlink()
    return made


@pytest.mark.parametrize("form", form_names())
def test_an_import_leaves_its_keys_in_the_store_alone(
    place: Settings, tmp_path: Path, private_world: Path, form: str
) -> None:
    """At the highest log level: stored, looked at, taken again, damaged in its middle and at its end, of another format."""
    value = f"canary-{secrets.token_urlsafe(32)}"
    outside = tmp_path / "theirs"
    outside.mkdir(mode=0o700)
    made = content(form, value, outside)
    files = {
        "whole": made,
        "cut": made[: len(made) * 9 // 10],
        "broken": made + b'\n"{[ what is this',
    }
    environ = {"KEYSWEEP_STORE": place.store, "KEYSWEEP_KEY_FILE": str(place.key_file)}
    said: dict[str, str] = {}
    for name, kept in files.items():
        path = outside / name
        path.touch(mode=0o600)
        path.write_bytes(kept)
        for more in (("--format", form, "--dry-run"), ("--format", form), ("--partial",), ("--format", "map")):
            ended = command(environ, private_world, "keys", "import", str(path), *more, "-vv")
            assert ended.code in {0, 2}, (name, more, ended.output)
            said[f"{len(said)} {name} {more}"] = ended.output
    assert any(": added" in text for text in said.values()), "else nothing was tested"
    ended = command(environ, private_world, "audit", "-o", "jsonl")
    said["audit"] = ended.output
    looked_for = needles({"canary": value, **({"encoded": encoded(value)} if form == "kubernetes" else {})})
    assert [name for name, text in said.items() if found_in(text.encode(), looked_for)] == []
    ours = [folder for folder in tmp_path.iterdir() if folder != outside]
    assert found_below(ours, looked_for) == []
    assert found_in(made, looked_for), "the search sees what lies there"
