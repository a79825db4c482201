"""The examples in the documents run, and print what the documents say."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.plan import plan
from keysweep.rotation.engine.steps import Mode, Step
from keysweep.rotation.providers import Account, Liveness
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate
from keysweep.scanner.matching.lint import lint
from tests.documents import DOCUMENTS, ROOT, Block, Typed, blocks, name, typed

_RUN = [document for document in DOCUMENTS if any(block.info.endswith(" run") for block in blocks(document))]


@pytest.mark.parametrize("document", _RUN, ids=name)
def test_blocks_that_are_marked_run(document: Path, private_world: Path) -> None:
    """Executed in order in one empty folder, they end and print as shown; numbers, ids and fingerprints may differ."""
    for block in blocks(document):
        if block.info == "python run":
            _run([sys.executable, "-c", block.text], private_world, expect=0, where=str(block))
        elif block.info == "console run":
            for shown in typed(block):
                _compare(block, shown, private_world)


def test_every_command_of_the_samples_is_run() -> None:
    """The page on samples has no block that no test runs."""
    assert {block.info for block in blocks(ROOT / "samples/README.md")} <= {"python run", "console run"}


def test_the_example_of_a_rule_is_a_sound_pack(tmp_path: Path) -> None:
    """Copied into an empty folder of packs, it passes the same check as ours, and a broken one does not."""
    pack = tmp_path / "acme.toml"
    pack.write_text(_example("rules/packs/acme.toml"))
    rules = load_ruleset(tmp_path)
    assert lint(rules) == ()
    assert generate(rules.rules[0], random.Random(1)).startswith(rules.rules[0].prefix)
    pack.write_text(_example("rules/packs/acme.toml").replace("{40}", "{41}"))
    assert lint(load_ruleset(tmp_path)) != ()


def test_the_example_of_a_rule_stands_beside_ours(tmp_path: Path) -> None:
    """Its id is not taken, and no rule of ours finds its examples first."""
    for path in (ROOT / "rules/packs").glob("*.toml"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "acme.toml").write_text(_example("rules/packs/acme.toml"))
    assert [problem for problem in lint(load_ruleset(tmp_path)) if problem.startswith("acme")] == []


def test_the_example_of_a_provider_mints_probes_and_revokes(acme: str, tmp_path: Path) -> None:
    """Against a server that answers as the example says, a key is minted, listed, alive, revoked twice, and dead."""
    provider = _module(tmp_path).PROVIDER
    account = Account(credential="acme-key", settings={"base_url": acme}, admin=Secret("admin"))
    minted = provider.read_minted(provider.mint(account, "keysweep-1"))
    assert [key.name for key in provider.find(account)] == ["keysweep-1"]
    assert provider.probe(account, minted.secret).liveness is Liveness.ALIVE
    provider.revoke(account, minted.key_id, minted.secret)
    provider.revoke(account, minted.key_id, minted.secret)
    assert provider.probe(account, minted.secret).liveness is Liveness.DEAD


def test_the_example_of_a_provider_takes_silence_for_unknown(tmp_path: Path) -> None:
    """No connection is not death."""
    account = Account(credential="acme-key", settings={"base_url": "http://127.0.0.1:9"}, admin=None)
    assert _module(tmp_path).PROVIDER.probe(account, Secret("a key")).liveness is Liveness.UNKNOWN


@pytest.mark.parametrize("mode", list(Mode))
def test_the_example_of_a_provider_can_be_planned(mode: Mode, tmp_path: Path) -> None:
    """The planner needs its facts only: the new key is minted, the old one proven dead."""
    steps = plan(_module(tmp_path).PROVIDER.facts, mode, standby=False, has_admin=True).steps
    assert steps.index(Step.MINT) < steps.index(Step.ATTEST) < steps.index(Step.REVOKE) < steps.index(Step.PROVE_DEAD)


@pytest.fixture
def acme() -> Iterator[str]:
    """A server on this machine that answers as the vendor of the example."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Acme)
    server.keys = {}  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Acme(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        keys, bearer = self.server.keys, self.headers["Authorization"].removeprefix("Bearer ")  # type: ignore[attr-defined]
        if self.path == "/v1/keys" and bearer == "admin":
            self._answer(200, {"keys": [{"id": i, "name": k["name"], "hint": ""} for i, k in keys.items()]})
        else:
            self._answer(200 if any(key["value"] == bearer for key in keys.values()) else 401, {})

    def do_POST(self) -> None:
        named = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["name"]
        identifier = f"key-{len(self.server.keys)}"  # type: ignore[attr-defined]
        self.server.keys[identifier] = {"name": named, "value": f"value of {identifier}"}  # type: ignore[attr-defined]
        self._answer(201, {"id": identifier, "key": f"value of {identifier}"})

    def do_DELETE(self) -> None:
        gone = self.server.keys.pop(self.path.rpartition("/")[2], None)  # type: ignore[attr-defined]
        self._answer(404 if gone is None else 200, {})

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _example(path: str) -> str:
    found = [block.text for block in blocks(ROOT / "CONTRIBUTING.md") if block.before == f"example: {path}"]
    assert len(found) == 1, path
    return found[0]


def _module(folder: Path) -> ModuleType:
    path = folder / "acme.py"
    path.write_text(_example("rotation/providers/acme.py"))
    spec = importlib.util.spec_from_file_location("acme_example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(command: list[str], folder: Path, *, expect: int, where: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    done = subprocess.run(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == expect, f"{where}\n{done.stdout}"
    return done.stdout


def _compare(block: Block, shown: Typed, folder: Path) -> None:
    printed = _run(["bash", "-c", shown.command], folder, expect=shown.ends_with, where=f"{block}: {shown.command}")
    if shown.output:
        pattern = "".join(
            r"(?:.*\n)*?" if line.strip() == "..." else re.escape(_shape(line)) + "\n" for line in shown.output
        )
        assert re.fullmatch(pattern, "".join(_shape(line) + "\n" for line in printed.splitlines())), (
            f"{block}\n{printed}"
        )


def _shape(line: str) -> str:
    """Return a line with its numbers, ids and fingerprints as `#`."""
    return re.sub(r"\d[\d.,]*", "#", re.sub(r"\b[0-9a-f]{12,64}\b", "#", line.rstrip()))
