"""What always holds (see ARCHITECTURE.md): asked of every source file, so that a change that breaks it is seen at once.

Changing a list here is a reviewed decision.  Imports between rooms are asked in `test_import_contracts.py`.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.program import ROOT, keysweep

ROOMS = ("keysweep/foundation", "keysweep/commands", "rules", "scanner", "rotation", "reports")

REVEALS = {
    "keysweep/commands/_resolve_lean.py": "hands values to the program that asked for them",
    "keysweep/foundation/fingerprint.py": "hashes it under the store's key",
    "keysweep/foundation/redaction.py": "masks it in the log",
    "rotation/guided.py": "sends it to its vendor",
    "rotation/broker/agent.py": "gives an agent placeholders, which are no keys",
    "rotation/broker/headers.py": "puts it into a request to its vendor",
    "rotation/broker/keys.py": "makes the forms of it that are covered in answers",
    "rotation/aws_calls.py": "signs with it, and reads the answer that holds a new one",
    "rotation/agent_hosts.py": "shows a host its administering credential",
    "rotation/agents/aws_secret.py": "stores it where its agents read it",
    "rotation/agents/github_actions.py": "seals it for GitHub",
    "rotation/agents/gitlab_ci.py": "stores it at GitLab",
    "rotation/agents/kubernetes.py": "hands it to kubectl",
    "rotation/agents/litellm_proxy.py": "stores it at the proxy",
    "rotation/gateway.py": "shows an OpenClaw gateway its token",
    "rotation/hints.py": "matches it with a masked form",
    "rotation/imports/judge.py": "tells it from the other values of a file that is imported",
    "rotation/listers/__init__.py": "sends the administering key to its vendor",
    "rotation/providers/anthropic.py": "sends it to its vendor",
    "rotation/providers/azure_ai.py": "sends it to its vendor, and finds the slot that holds it",
    "rotation/providers/datadog.py": "sends it to its vendor",
    "rotation/providers/entra_app.py": "matches it with the characters that its vendor shows",
    "rotation/providers/google_api_key.py": "sends it to its vendor",
    "rotation/github_api.py": "sends it to its vendor, which takes it by value",
    "rotation/providers/github_app.py": "sends it to its vendor",
    "rotation/providers/slack_rotating.py": "sends it to its vendor",
    "rotation/providers/openrouter.py": "hashes it to the vendor's id",
    "rotation/providers/litellm.py": "hashes it to the proxy's id",
    "rotation/providers/langsmith.py": "sends it to its vendor",
    "rotation/providers/pinecone.py": "sends it to its vendor",
    "rotation/providers/sendgrid.py": "reads the vendor's id in it",
    "rotation/oauth.py": "signs with it, or sends it, to get an access token of its vendor",
    "rotation/server_uri.py": "logs in with it",
    "rotation/vendor.py": "sends it to its vendor",
    "rotation/providers/npm.py": "sends it to its vendor",
    "rotation/providers/postgresql.py": "logs in with it",
    "rotation/agents/webhook.py": "sends it to one agent, by TLS",
    "rotation/daemon/asking.py": "asks the daemon whose it is",
    "rotation/daemon/answers.py": "sends them to the process that may have them",
    "rotation/challenge.py": "makes and checks proofs of holding it",
    "rotation/programs.py": "writes it to the standard input of a program that the operator named",
    "rotation/sinks/forms.py": "puts it into the content of one agent's file",
    "rotation/supervisor/inject.py": "puts it into the environment, a file or a descriptor of one agent's process",
    "rotation/vault/envelope.py": "seals it",
    "rotation/vault/index.py": "cuts it into keyed windows",
    "rotation/vault/match_file.py": "writes the key of a match-only file, which opens no value",
    "rotation/vault/match_key.py": "seals the fingerprint key under it",
    "rotation/vault/slots/passphrase.py": "derives a slot's key from a passphrase",
    "rotation/vault/vault.py": "cuts it into keyed prints",
    "rotation/verify.py": "sends it to the vendor that its prefix proves",
    "scanner/baseline.py": "hashes it under the salt of a baseline",
}

REPOSITORIES = {
    "keysweep/foundation/database/columns.py",
    "keysweep/foundation/database/connect.py",
    "keysweep/foundation/database/migrations/versions/0001_vault_and_ledger.py",
    "keysweep/foundation/database/migrations/versions/0002_rotation.py",
    "keysweep/foundation/database/migrations/versions/0003_findings.py",
    "keysweep/foundation/database/migrations/versions/0006_match_keys_and_anchors.py",
    "keysweep/foundation/database/migrations/versions/0007_row_states.py",
    "keysweep/foundation/database/migrations/versions/0008_listing.py",
    "keysweep/foundation/database/migrations/versions/0009_listed.py",
    "keysweep/foundation/database/migrations/versions/0010_terms_and_deliveries.py",
    "keysweep/foundation/database/migrations/versions/0011_ends.py",
    "keysweep/foundation/database/listed.py",
    "keysweep/foundation/database/listing_tables.py",
    "keysweep/foundation/database/ledger_tables.py",
    "keysweep/foundation/database/migrations/versions/0005_inventory.py",
    "keysweep/foundation/database/ring_tables.py",
    "keysweep/foundation/database/migrations/versions/0004_key_ring.py",
    "keysweep/foundation/database/row_states.py",
    "keysweep/foundation/database/rotation_tables.py",
    "keysweep/foundation/database/tables.py",
    "keysweep/foundation/ledger/anchor.py",
    "keysweep/foundation/ledger/chain.py",
    "keysweep/foundation/ledger/checkpoint.py",
    "keysweep/foundation/ledger/mark.py",
    "keysweep/foundation/ledger/verify.py",
    "reports/collect.py",
    "reports/collect_lists.py",
    "reports/collect_open.py",
    "reports/verify.py",
    "rotation/bulk.py",
    "rotation/engine/journal.py",
    "rotation/engine/lease.py",
    "rotation/engine/terms.py",
    "rotation/engine/cells.py",
    "rotation/incident/deliveries.py",
    "rotation/incident/incident.py",
    "rotation/instances.py",
    "rotation/overdue.py",
    "rotation/policies.py",
    "rotation/profiles.py",
    "rotation/provider_lists.py",
    "rotation/selection.py",
    "rotation/standing.py",
    "rotation/vault/integrity.py",
    "rotation/vault/match_export.py",
    "rotation/vault/match_key.py",
    "rotation/vault/match_only.py",
    "rotation/vault/moving.py",
    "rotation/vault/rekey.py",
    "rotation/vault/ring.py",
    "rotation/vault/slot_rows.py",
    "rotation/vault/row_check.py",
    "rotation/vault/generation.py",
    "rotation/vault/store.py",
    "rotation/vault/unlock.py",
    "rotation/vault/whose.py",
    "scanner/history.py",
}
"""Modules that state SQL; the others pass a connection on."""

PASSED_ON = {"Connection", "Engine", "Row", "RowMapping"}

PURE = ("rotation/engine/plan.py", "rotation/incident/policy.py", "rotation/incident/correlate.py", "scanner/group.py")

SPEAKS = {
    "keysweep/foundation/ledger/verify.py": "a program of its own for auditors",
    "scanner/readers/worker.py": "a process of its own; its output is its answer",
    "scanner/sqlite_rows.py": "the same, for databases",
}


def sources(*rooms: str) -> list[str]:
    """Every Python file of some rooms, as a path in the checkout."""
    return sorted(path.relative_to(ROOT).as_posix() for room in rooms for path in (ROOT / room).rglob("*.py"))


def nodes(path: str) -> Iterator[ast.AST]:
    """Every node of a file's syntax tree."""
    return ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))


def imports(path: str) -> set[str]:
    """Full names of what a file imports, those for types only left out."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        match waiting.pop():
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=otherwise):
                waiting += otherwise
            case ast.Import(names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), names=names):
                found |= {f"{module}.{alias.name}" for alias in names}
            case node:
                waiting += ast.iter_child_nodes(node)
    return found


def test_only_listed_modules_reveal_secrets() -> None:
    """The list is exact: a module that no longer reveals is taken off it."""
    found = {
        path
        for path in sources(*ROOMS)
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in {"reveal", "reveal_text"}
    }
    assert found == set(REVEALS)


def test_nothing_reaches_into_a_secret() -> None:
    """Its buffer is its own; reflection is no way round `reveal`."""
    for path in set(sources(*ROOMS)) - {"keysweep/foundation/secret.py"}:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert not re.search(r"secret\w*\._value|getattr\([^)]*_value|object\.__getattribute__", text), path


def test_library_code_never_prints() -> None:
    """Standard output carries results only, and the command writes them; the library logs."""
    for path in set(sources(*ROOMS)) - set(SPEAKS) - set(sources("keysweep/commands")):
        for node in nodes(path):
            match node:
                case ast.Call(func=ast.Name(id="print" | "pprint" | "input")):
                    pytest.fail(f"{path}:{node.lineno} prints or asks")
                case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr"):
                    pytest.fail(f"{path}:{node.lineno} uses sys.{node.attr}")
                case _:
                    pass


def test_messages_are_not_formatted_before_they_are_logged() -> None:
    """The filter masks arguments; text that was built before is masked too, but costs where nothing is logged."""
    for path in sources(*ROOMS):
        for node in nodes(path):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="debug" | "info" | "warning" | "error"), args=[ast.JoinedStr(), *_]
                ):
                    pytest.fail(f"{path}:{node.lineno} logs an f-string")
                case _:
                    pass


EFFECTS = (
    "time", "random", "secrets", "uuid", "os", "socket", "ssl", "http", "urllib", "httpx2", "requests", "subprocess",
    "sqlite3", "sqlalchemy", "psycopg", "keysweep.foundation.clock", "keysweep.foundation.database",
)  # fmt: skip


@pytest.mark.parametrize("path", PURE)
def test_decisions_are_pure(path: str) -> None:
    """Planning, policy, correlation and grouping import no clock, no network and no database, and ask no time."""
    wrong = {
        name for name in imports(path) if any(name == effect or name.startswith(f"{effect}.") for effect in EFFECTS)
    }
    assert wrong == set()
    assert not [node for node in nodes(path) if isinstance(node, ast.Attribute) and node.attr in {"now", "today"}]


@pytest.mark.parametrize("module", ["keysweep.rotation.engine.plan", "keysweep.scanner.group", "keysweep.rules.checks"])
def test_what_is_pure_loads_nothing_that_acts(module: str) -> None:
    """Not even through what it imports."""
    program = (
        f"import sys, {module}; sys.exit(any(m in sys.modules for m in ('socket', 'sqlalchemy', 'httpx2', 'click')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


READERS_OF_OTHERS = {"scanner/sqlite_rows.py", "rotation/imports/forms/openclaw_store.py"}
"""Modules that read databases which are not ours."""


def test_sql_stands_in_repository_modules_only() -> None:
    """Whoever else imports SQLAlchemy names a connection or a row, to pass it on."""
    found = {
        path
        for path in sources(*ROOMS)
        for name in imports(path)
        if name.partition(".")[0] in {"sqlalchemy", "sqlite3"} and name.rpartition(".")[2] not in PASSED_ON
    }
    assert found - READERS_OF_OTHERS - {"keysweep/commands/doctor.py"} == REPOSITORIES


def test_the_error_boundary_is_the_only_catcher_of_everything() -> None:
    """`except Exception` stands at the command line, round the daemon's loop and round the reading of one hostile blob."""
    allowed = {"keysweep/commands/__init__.py", "rotation/daemon/serve.py"}
    allowed |= {"scanner/pipeline.py", "scanner/readers/worker.py"}
    for path in set(sources(*ROOMS)) - allowed:
        for node in nodes(path):
            if isinstance(node, ast.ExceptHandler):
                name = node.type.id if isinstance(node.type, ast.Name) else ""
                reraises = any(isinstance(child, ast.Raise) and child.exc is None for child in node.body)
                assert node.type is not None, f"{path}:{node.lineno} catches everything"
                assert name not in {"Exception", "BaseException"} or reraises, (
                    f"{path}:{node.lineno} swallows everything"
                )


def test_no_module_is_longer_than_300_lines() -> None:
    """What is longer does two things."""
    for path in sources(*ROOMS, "samples", "scripts"):
        assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= 300, path


@pytest.fixture(scope="module")
def committed() -> list[str]:
    """Every file that git holds here and that is there; links are what they lead to."""
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True)
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    found = [name for name in names if (ROOT / name).is_file() and not (ROOT / name).is_symlink()]
    assert len(found) > 100
    return found


def test_no_committed_text_looks_like_a_key(committed: list[str]) -> None:
    """Our own scanner reads our own repository: what looks like a key is generated when a test runs."""
    done = keysweep("scan", "--no-map", "--no-ocr", "-o", "json", *committed, cwd=ROOT)
    places = [
        f"{o['path']}:{o['line']} {f['rule']}" for f in json.loads(done.stdout)["findings"] for o in f["occurrences"]
    ]
    assert places == []
    assert done.returncode == 0


def test_the_scan_above_can_fail(committed: list[str], tmp_path: Path) -> None:
    """A control: the same command finds a key in a file beside them."""
    import random

    from keysweep.rules.ruleset import load_ruleset
    from keysweep.rules.samples import generate

    planted = tmp_path / "planted.py"
    rule = next(rule for rule in load_ruleset().rules if rule.id == "openai-project-key")
    planted.write_text(f'KEY = "{generate(rule, random.Random(1))}"\n')
    assert keysweep("scan", "--no-map", "--no-ocr", *committed[:20], planted, cwd=ROOT).returncode == 1


def texts(committed: list[str]) -> Iterator[tuple[str, str]]:
    """Name and content of each file that is text."""
    for name in committed:
        try:
            yield name, (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_path_or_a_registry_of_this_machine(committed: list[str]) -> None:
    """The checkout's own folder, a person's home, or the package index that this machine uses."""
    index = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout + " ".join(value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_")))
    local = {str(ROOT), *re.findall(r"(?:https?://|file://)([^\s'\"]{6,})", index)} - {"pypi.org/simple"}
    for name, text in texts(committed):
        for place in local:
            assert place not in text, f"{name} names {place}"
        assert not re.search(r"(?<![\w.<])/(?:home|Users)/[a-z]+/(?!\.\.\.)", text) or "/home/" in _allowed(name), name


def _allowed(name: str) -> str:
    """Files whose subject are home folders of agents."""
    return "/home/" if name.startswith(("scanner/", "docs/", "tests/", "samples/")) else ""


def test_no_work_is_left_undone(committed: list[str]) -> None:
    """A note for later carries the number of its issue."""
    word = "TO" + "DO"
    for name, text in texts(committed):
        for line in text.splitlines():
            assert word not in line or re.search(rf"{word}\W*#\d+", line), f"{name}: {line.strip()[:80]}"
