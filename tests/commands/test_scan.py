"""`keysweep scan`: what it reads, what it maps, and what it ends with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from samples.inputs.repository import make_repository
from tests.scanner.making import example, key
from tests.scanner.repositories import Repo
from tests.scanner.running import keysweep, store_with

CRITICAL, MEDIUM = "github-pat", "slack-webhook"


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


def leak(rule: str = CRITICAL, name: str = "a.txt") -> None:
    write(name, f"token={key(rule)}\n")


def gap() -> None:
    """Put something into the folder that cannot be read."""
    os.mkfifo("pipe")


@pytest.mark.parametrize(
    ("leaked", "unread", "options", "ci", "expected"),
    [
        pytest.param(None, False, [], False, 0, id="clean and complete"),
        pytest.param(CRITICAL, False, [], False, 1, id="a finding"),
        pytest.param(None, True, [], False, 0, id="a gap is tolerated at the desk"),
        pytest.param(None, True, [], True, 3, id="a gap is a failure in CI"),
        pytest.param(None, True, ["--strict"], False, 3, id="a gap is a failure under --strict"),
        pytest.param(None, True, ["--no-strict"], True, 0, id="CI may tolerate gaps"),
        pytest.param(CRITICAL, True, ["--strict"], True, 1, id="findings win over gaps"),
        pytest.param(CRITICAL, False, ["--fail-on", "none"], False, 0, id="fail on nothing"),
        pytest.param(CRITICAL, True, ["--fail-on", "none", "--strict"], False, 3, id="fail on nothing, yet incomplete"),
        pytest.param(MEDIUM, False, ["--fail-on", "any"], False, 1, id="any fails on a medium one"),
        pytest.param(MEDIUM, False, ["--fail-on", "high"], False, 0, id="high passes a medium one"),
        pytest.param(CRITICAL, False, ["--fail-on", "high"], False, 1, id="high fails on a critical one"),
        pytest.param(CRITICAL, False, ["--fail-on", "mapped"], False, 0, id="mapped passes a stranger"),
        pytest.param(CRITICAL, False, ["--exit-zero"], False, 0, id="reporting only"),
        pytest.param(CRITICAL, False, ["--rule", "npm"], False, 0, id="another rule was asked for"),
        pytest.param(CRITICAL, False, ["--exclude", "*.txt"], False, 3, id="everything was left out: nothing was read"),
        pytest.param(CRITICAL, False, ["--fail-on", "sometimes"], False, 2, id="no such threshold"),
        pytest.param(CRITICAL, False, ["--rule", "nonesuch"], False, 2, id="no such rule"),
        pytest.param(CRITICAL, False, ["-o", "xml"], False, 2, id="no such format"),
        pytest.param(CRITICAL, False, ["-o", "json=none/a.json"], False, 2, id="an output that cannot be written"),
        pytest.param(CRITICAL, False, ["none"], False, 2, id="no such target"),
    ],
)
def test_exit_code(
    leaked: str | None, unread: bool, options: list[str], ci: bool, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The codes are fixed for ever: 0 done, 1 findings, 2 usage, 3 incomplete."""
    if ci:
        monkeypatch.setenv("CI", "true")
    if leaked:
        leak(leaked)
    else:
        write("a.txt", "nothing to see\n")
    if unread:
        gap()
    assert keysweep("scan", *options).code == expected


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "sarif"])
def test_the_exit_code_does_not_depend_on_the_format(form: str) -> None:
    """A pipeline may change its report without changing its gate."""
    leak()
    assert keysweep("scan", "-o", form).code == 1


@pytest.mark.parametrize("target", ["folder", "repository"])
@pytest.mark.parametrize("options", [[], ["--no-strict"], ["--fail-on", "none"]])
def test_nothing_read_is_never_clean(target: str, options: list[str]) -> None:
    """An empty folder, an empty repository: exit code 3, and the text says so."""
    Path("empty").mkdir()
    if target == "repository":
        Repo(Path("empty"))
    done = keysweep("scan", "git:empty" if target == "repository" else "empty", *options)
    assert done.code == 3
    assert "not a clean result" in done.out


@pytest.mark.parametrize(
    ("state", "expected"), [pytest.param("current", 1, id="live"), pytest.param("stranger", 0, id="not ours")]
)
def test_fail_on_mapped_is_about_stored_keys(state: str, expected: int) -> None:
    """A key that a store holds, and one that it does not."""
    store_with(claude=("anthropic", key("anthropic-api-key")))
    leak("anthropic-api-key" if state == "current" else CRITICAL)
    assert keysweep("scan", "--fail-on", "mapped").code == expected


def test_standard_input_is_a_target() -> None:
    """`-` reads what is piped in."""
    done = keysweep("scan", "-", "-o", "json", stdin=f"curl -H 'Authorization: token {key(CRITICAL)}'\n".encode())
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert finding["occurrences"][0]["path"] == "<stdin>"
    assert keysweep("scan", "-", stdin=b"nothing").code == 0


def test_several_targets_are_one_scan() -> None:
    """The same key in two of them is one finding."""
    leak(name="one/a.txt")
    leak(name="two/b.txt")
    (finding,) = keysweep("scan", "one", "two/b.txt", "-o", "json").json["findings"]
    assert [place["path"] for place in finding["occurrences"]] == ["one/a.txt", "two/b.txt"]


def test_without_a_target_it_is_the_folder_one_is_in() -> None:
    """A newcomer types two words."""
    leak(name="deep/down/a.txt")
    (finding,) = keysweep("scan", "-o", "json").json["findings"]
    assert finding["occurrences"][0]["path"] == "deep/down/a.txt"


def test_a_history_names_the_commit() -> None:
    """`git:PATH` reads what was deleted long ago."""
    uri = example("postgresql-uri", seed=4).key.decode()
    make_repository(Path("repo"), f"DATABASE_URL={uri}")
    assert keysweep("scan", "repo").code == 0
    done = keysweep("scan", "git:repo", "-o", "json")
    (place,) = done.json["findings"][0]["occurrences"]
    assert (done.code, place["path"], place["author"]) == (1, ".env", "Dana Ortiz <dana@example.test>")
    assert place["date"].startswith("2026-11-12T")


def test_staged_is_for_the_hook() -> None:
    """Staged keys stop the commit, the others do not."""
    repo = Repo(Path("r"))
    repo.commit(a_txt=f"token={key(CRITICAL, seed=1)}\n")
    repo.write(b_txt="clean\n")
    repo.git("add", "--all")
    assert keysweep("scan", "--staged", "r").code == 0
    repo.write(b_txt=f"token={key(CRITICAL)}\n")
    repo.git("add", "--all")
    done = keysweep("scan", "--staged", "r", "-o", "json")
    assert done.code == 1
    assert done.json["findings"][0]["occurrences"][0]["path"] == "b.txt"


def test_a_commit_of_deletions_passes_the_hook_and_nothing_staged_does_not() -> None:
    """Strict too: each deletion was seen.  Where nothing is staged it may be the wrong folder."""
    repo = Repo(Path("r"))
    repo.commit(a_txt=f"token={key(CRITICAL)}\n", b_txt="two\n")
    assert keysweep("scan", "--staged", "r").code == 3
    repo.git("rm", "--quiet", "a.txt")
    done = keysweep("scan", "--staged", "r", "--strict")
    assert (done.code, "1 without content" in done.out) == (0, True)
    assert keysweep("scan", "--staged", "r", "-o", "json").json["coverage"]["contentless"] == 1


def test_a_range_is_for_a_pull_request() -> None:
    """What its commits brought, and a wrong range is a usage error."""
    repo = Repo(Path("r"))
    repo.commit(a_txt=f"token={key(CRITICAL, seed=1)}\n")
    repo.git("tag", "base")
    repo.commit(b_txt=f"token={key(CRITICAL)}\n")
    done = keysweep("scan", "r", "--range", "base..main", "-o", "json")
    assert [f["occurrences"][0]["path"] for f in done.json["findings"]] == ["b.txt"]
    assert keysweep("scan", "r", "--range", "none..main").code == 2


def test_no_map_compares_with_nothing() -> None:
    """Every key is a stranger then, although there is a store."""
    store_with(claude=("anthropic", key("anthropic-api-key")))
    leak("anthropic-api-key")
    assert keysweep("scan", "-o", "json").json["findings"][0]["credential"]["name"] == "claude"
    document = keysweep("scan", "--no-map", "-o", "json").json
    assert (document["findings"][0]["credential"], document["tool"]["inventory"]) == (None, None)


def test_ids_are_the_same_in_every_run() -> None:
    """With a store and without one."""
    leak()
    one, two = (keysweep("scan", "-o", "json").json["findings"][0]["id"] for _ in range(2))
    assert one == two
    assert keysweep("init").code == 0
    three, four = (keysweep("scan", "-o", "json").json["findings"][0]["id"] for _ in range(2))
    assert three == four


def test_an_inline_comment_accepts_a_stranger_and_is_counted() -> None:
    """It is on record how many there are."""
    write("a.txt", f"token={key(CRITICAL)}  # keysweep: ignore\n")
    done = keysweep("scan", "-o", "json")
    assert (done.code, done.json["suppressed"]) == (0, 1)


def test_settings_of_the_target_are_not_read() -> None:
    """A scanned folder cannot bring its own settings; those of the caller's folder count."""
    write("target/keysweep.toml", "this is = = no toml")
    leak(name="target/a.txt")
    assert keysweep("scan", "target").code == 1


def test_a_store_that_cannot_be_opened_is_denied_and_not_silently_passed() -> None:
    """A wrong key file is exit code 6: unmapped findings would look like strangers."""
    store_with(claude=("anthropic", key("anthropic-api-key")))
    leak("anthropic-api-key")
    Path("other.key").write_bytes(b"\1" * 32)
    Path("other.key").chmod(0o600)
    done = keysweep("scan", "--key-file", "other.key")
    assert (done.code, done.out) == (6, "")


def test_results_go_to_standard_output_and_everything_else_to_standard_error() -> None:
    """So that a pipe gets JSON and nothing but JSON, also when everything is said."""
    leak()
    done = keysweep("-vv", "scan", "-o", "json")
    json.loads(done.out)
    assert keysweep("-q", "scan").err == ""


def test_a_whole_process_ends_the_same(tmp_path: Path) -> None:
    """As a user runs it: `python -m keysweep`, exit code and output."""
    leak()
    environ = {name: os.environ[name] for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    environ |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-X", "importtime", "-m", "keysweep", "scan", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert done.returncode == 1
    assert len(json.loads(done.stdout)["findings"]) == 1
    heavy = {"pandas", "weasyprint", "fastapi", "jinja2", "httpx2", "psycopg"}
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert not heavy & imported
    assert "hyperscan" in imported
