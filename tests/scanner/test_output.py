"""Output formats: the JSON that other programs rely on, SARIF as code scanning takes it, text that cannot steer a terminal."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from keysweep.scanner import output
from keysweep.scanner.on_demand import archives
from keysweep.scanner.output import Look
from keysweep.scanner.readers.plain import READER as PLAIN
from samples.inputs.logs import write_agent_log
from samples.inputs.repository import make_repository
from tests.scanner.making import assert_absent, example, key, look_at
from tests.scanner.running import Done, keysweep, store_with

SCHEMA = json.loads(Path(__file__).with_name("scan-v1.schema.json").read_text())
FORMATS = output.names()


def leaks() -> dict[str, str]:
    """Write a log, a repository and odd files into the working folder; return the keys in them."""
    keys = {
        "anthropic": key("anthropic-api-key"),
        "github": key("github-pat"),
        "openai": key("openai-service-account-key"),
        "postgresql": example("postgresql-uri", seed=2).key.decode(),
    }
    write_agent_log(Path("agent.log"), keys["anthropic"], lines=30)
    make_repository(Path("repo"), f"DATABASE_URL={keys['postgresql']}")
    Path("odd\n\x1b[31m\udcff é.txt").write_text(f"é {keys['github']} and again {keys['github']}\n")
    Path("wide.txt").write_bytes(f"key: {keys['openai']}\n".encode("utf-16"))
    return keys


def scan(*arguments: str) -> Done:
    return keysweep("scan", ".", "git:repo", "--no-ocr", *arguments)


def test_the_json_of_a_scan_is_as_published() -> None:
    """Every field that the contract names is there, with its type, and nothing is renamed."""
    keys = leaks()
    store_with(claude=("anthropic", keys["anthropic"]), orders=("postgresql", keys["postgresql"]))
    document = scan("-o", "json").json
    jsonschema.validate(document, SCHEMA)
    assert {finding["provider"] for finding in document["findings"]} == set(keys)
    mapped = {f["credential"]["name"]: f["credential"] for f in document["findings"] if f["credential"]}
    assert {name: (c["version"], c["state"], c["match"]) for name, c in mapped.items()} == {
        "claude": (1, "current", "exact"),
        "orders": (1, "current", "exact"),
    }
    assert document["tool"]["inventory"].startswith("kf:")


def test_the_json_of_a_scan_without_a_store_is_as_published() -> None:
    """No inventory, every key a stranger."""
    leaks()
    document = scan("-o", "json").json
    jsonschema.validate(document, SCHEMA)
    assert document["tool"]["inventory"] is None
    assert {str(finding["credential"]) for finding in document["findings"]} == {"None"}


def test_offsets_slice_the_file_to_exactly_the_key() -> None:
    """start and end are bytes of the file as stored; where it was decoded they cover the encoded run."""
    values = {value: name for name, value in leaks().items()}
    seen = set()
    for finding in scan("-o", "json").json["findings"]:
        for place in finding["occurrences"]:
            if place["commit"] is None:
                run = Path(place["path"]).read_bytes()[place["start"] : place["end"]]
                text = run.decode("utf-16" if place["via"] else "utf-8")
                value = text if not place["via"] else text.split()[1]
                assert values[value] == finding["provider"]
                assert len(value) == finding["length"]
                seen.add(finding["provider"])
    assert seen == {"anthropic", "github", "openai"}


def test_json_lines_hold_the_same() -> None:
    """One finding a line, and the coverage last."""
    leaks()
    document = scan("-o", "json").json
    *lines, last = [json.loads(line) for line in scan("-o", "jsonl").out.splitlines()]
    assert lines == document["findings"]
    assert last["coverage"] == document["coverage"]


def test_exit_zero_is_on_record() -> None:
    """A pipeline that hides its verdict says so."""
    leaks()
    done = scan("-o", "json", "--exit-zero")
    assert (done.code, done.json["exit_zero"]) == (0, True)
    assert scan("-o", "json").json["exit_zero"] is False


def sarif(*arguments: str) -> dict[str, Any]:
    (run,) = json.loads(scan("-o", "sarif", *arguments).out)["runs"]
    return run


def test_sarif_is_what_code_scanning_takes() -> None:
    """Version, driver, and of each rule what must be there, within the limits of its length."""
    leaks()
    document = json.loads(scan("-o", "sarif").out)
    assert document["version"] == "2.1.0"
    assert "sarif" in document["$schema"]
    (run,) = document["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "keysweep"
    assert driver["semanticVersion"]
    assert run["automationDetails"]["id"].endswith("/")
    for rule in driver["rules"]:
        assert rule["id"]
        assert 0 < len(rule["shortDescription"]["text"]) <= 1024
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in {"error", "warning", "note"}
        assert "security" in rule["properties"]["tags"]
        assert len(rule["properties"]["tags"]) <= 20
        assert isinstance(rule["properties"]["security-severity"], str)
        assert 0 < float(rule["properties"]["security-severity"]) <= 10
        assert rule["properties"]["precision"] in {"very-high", "high", "medium", "low"}


def test_each_sarif_result_has_a_place_with_four_numbers_and_a_hash() -> None:
    """And its rule is among the rules; no two places have one hash."""
    leaks()
    run = sarif()
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    hashes = []
    for result in run["results"]:
        assert result["ruleId"] in rules
        assert result["message"]["text"]
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        uri = physical["artifactLocation"]["uri"]
        assert not uri.startswith(("/", "file:"))
        uri.encode("ascii")
        region = physical["region"]
        assert set(region) == {"startLine", "startColumn", "endLine", "endColumn"}
        assert (region["startLine"], region["startColumn"]) < (region["endLine"], region["endColumn"])
        hashes.append(result["partialFingerprints"]["primaryLocationLineHash"])
    assert len(hashes) == len(set(hashes)) == 5
    assert "snippet" not in json.dumps(run)
    assert "contextRegion" not in json.dumps(run)
    uris = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]]
    assert "odd\n\x1b[31m\udcff é.txt" in {unquote(uri, errors="surrogateescape") for uri in uris}


def sarif_of(path: Path, **changes: object) -> dict[str, Any]:
    """Scan in this process, with the rules that are compiled already."""
    (run,) = json.loads(output.get("sarif").render(look_at(path, **changes), Look()))["runs"]
    return run


def regions(text: str | bytes, name: str = "a.txt") -> list[str]:
    """Return what an editor that counts as SARIF says would mark in a file."""
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    run = sarif_of(Path(name))
    assert run["columnKind"] == "utf16CodeUnits"
    lines = [line.encode("utf-16-le") for line in Path(name).read_bytes().decode("utf-8", "replace").split("\n")]
    marked = []
    for result in run["results"]:
        region = result["locations"][0]["physicalLocation"]["region"]
        first, last = region["startLine"] - 1, region["endLine"] - 1
        stretch = lines[first : last + 1]
        stretch[-1] = stretch[-1][: 2 * (region["endColumn"] - 1)]
        stretch[0] = stretch[0][2 * (region["startColumn"] - 1) :]
        marked.append("\n".join(part.decode("utf-16-le") for part in stretch))
    return marked


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("", id="nothing"),
        pytest.param("é = ", id="two bytes, one unit"),
        pytest.param("🔑 = ", id="four bytes, two units"),
        pytest.param("日本語\n日本語🔑 = ", id="a line above"),
        pytest.param(b"\xff\xfe = ", id="no characters at all"),
    ],
)
def test_a_sarif_column_is_what_an_editor_marks(before: str | bytes) -> None:
    """In units of UTF-16, as declared: exactly the key, whatever stands before it, and the second one of a line too."""
    before = before if isinstance(before, bytes) else before.encode()
    first, second = key("github-pat"), key("github-pat", seed=1)
    assert sorted(regions(before + f"{first} ü🔑 {second}\nlast".encode())) == sorted([first, second])


def test_a_sarif_region_of_many_lines_ends_where_the_key_does() -> None:
    """A private key is no single line."""
    secret = key("private-key").replace("\\n", "\n")
    assert "\n" in secret
    assert regions(f"é: |\n{secret}\n") == [secret]


def test_a_place_without_lines_is_in_sarif_too() -> None:
    """The file is marked at its beginning, and the message says where in it."""
    import zipfile

    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("x/k.txt", "\n\n" + key("github-pat"))
    run = sarif_of(Path("a.zip"), readers=(archives((PLAIN,)), PLAIN))
    (result,) = run["results"]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 1
    assert "a.zip!x/k.txt:3:1" in result["message"]["text"]


@pytest.mark.parametrize(
    ("line", "rule", "title"),
    [
        ("api_key = '{}'", "generic-assignment", "Value of a setting"),
        ("Authorization: Bearer {}", "generic-authorization", "authorization header"),
    ],
)
def test_a_rule_of_no_vendor_says_what_it_is(line: str, rule: str, title: str) -> None:
    """Not a stored credential, no more severe than what was found, and not called precise."""
    value = "".join(random.Random(8).choices(string.ascii_letters + string.digits, k=24))
    Path("a.env").write_text(line.format(value) + "\n")
    (run,) = json.loads(keysweep("scan", "a.env", "-o", "sarif").out)["runs"]
    (described,) = run["tool"]["driver"]["rules"]
    assert described["id"] == rule
    assert title in described["shortDescription"]["text"]
    assert described["properties"]["precision"] == "low"
    assert float(described["properties"]["security-severity"]) < 7


@pytest.mark.parametrize("inside", [True, False])
def test_a_path_from_the_root_is_below_the_working_folder_or_an_address(inside: bool, tmp_path: Path) -> None:
    """Code scanning knows no other."""
    folder = Path.cwd() if inside else tmp_path / "elsewhere"
    folder.mkdir(exist_ok=True)
    (folder / "a b.txt").write_text(key("github-pat"))
    run = sarif_of(folder / "a b.txt")
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == ("a%20b.txt" if inside else f"file://{folder}/a%20b.txt")


def test_a_sarif_hash_survives_lines_above() -> None:
    """Code scanning then knows the alert again."""
    Path("a.txt").write_text(f"token={key('github-pat')}\n")

    def hashes() -> list[str]:
        (run,) = json.loads(keysweep("scan", "a.txt", "-o", "sarif").out)["runs"]
        return [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]

    before = hashes()
    Path("a.txt").write_text("new\n" * 5 + f"  token={key('github-pat')}\n")
    assert hashes() == before


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_holds_a_key_or_its_line(name: str) -> None:
    """In no form, whether the key is stored or not; and nothing but results on standard output, nothing of it in the log."""
    keys = leaks()
    store_with(claude=("anthropic", keys["anthropic"]))
    done = scan("-o", name, "-vv")
    assert done.code == 1
    for secret in keys.values():
        assert_absent(secret, done.out.encode(), f"the {name} output")
        assert_absent(secret, done.err.encode(), "standard error")
        assert_absent(secret.split("@")[0].split(":")[-1], done.out.encode() + done.err.encode(), "the output")
    assert "Authorization" not in done.out
    assert "and again" not in done.out


@pytest.mark.parametrize("name", FORMATS)
def test_a_hostile_name_cannot_steer_a_terminal(name: str) -> None:
    """No control character but line breaks and the indentation reaches standard output."""
    leaks()
    out = scan("-o", name).out
    assert [c for c in out if not c.isprintable() and c != "\n"] == []


def test_every_format_exports_what_it_should() -> None:
    """The folder is the index; a misspelt name lists what there is."""
    assert set(FORMATS) >= {"text", "json", "jsonl", "sarif"}
    for name in FORMATS:
        assert output.get(name).title
    done = keysweep("scan", ".", "-o", "xml")
    assert done.code == 2
    assert all(name in done.err for name in FORMATS)


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_text_fits_the_terminal(columns: int) -> None:
    """No line of findings is wider than the terminal, however long a path is."""
    folder = Path("/".join(["a-rather-long-folder-name"] * 6))
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text(f"token={key('github-pat')}\n")
    text = output.get("text").render(look_at(Path("a-rather-long-folder-name")), Look(columns=columns))
    assert max(len(line) for line in text.splitlines()) <= columns


def test_one_scan_has_many_outputs() -> None:
    """Files for machines, standard output for people."""
    leaks()
    done = scan("-o", "sarif=a.sarif", "-o", "json=a.json", "-o", "text")
    assert "leaked keys" in done.out
    jsonschema.validate(json.loads(Path("a.json").read_text()), SCHEMA)
    assert json.loads(Path("a.sarif").read_text())["runs"]
