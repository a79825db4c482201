"""A key of two halves at every kind of agent: both arrive together, both are looked at, and half of it is refused."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation import agent_catalog, challenge
from keysweep.rotation.agents import AgentError, Delivery, Half, Holding
from keysweep.rotation.challenge import Question
from keysweep.rotation.engine.actions import ACTIONS
from keysweep.rotation.engine.steps import Step
from keysweep.rotation.public_halves import name_beside
from samples.simulators import Call, digest
from tests.fakes.agents import eventually
from tests.fakes.deliveries import CHALLENGED, Delivered, free_port, running, script
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]
VALUE, ID = "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"


def pair(
    kind: str, delivered: Delivered, settings: Mapping[str, str], *, variable: str = VALUE, **more: object
) -> Delivery:
    """Return the delivery of a key with a public half, as the store would make it."""
    half = f"id-{hashlib.sha256(delivered.value.encode()).hexdigest()[:12]}"

    def beside() -> Mapping[str, Half]:
        name = name_beside(kind, settings, "aws", variable)
        return {variable: Half(name=name, text=half)} if name else {}

    return replace(delivered.to(settings, beside=beside, **more), variables=(variable,))


def half_of(delivery: Delivery) -> str:
    """Return the public half that is delivered."""
    (half,) = delivery.halves().values()
    return half


FILES = [
    pytest.param({"format": "env"}, f"A=1\n{ID}='before'\n{VALUE}=before\n", f"A=1\n{ID}='!'\n{VALUE}=@\n", id="env"),
    pytest.param({"format": "env"}, "A=1\n", f"A=1\n{VALUE}=@\n{ID}=!\n", id="env that has neither"),
    pytest.param(
        {"format": "env", "name": "aws_secret_access_key"},
        "[default]\naws_access_key_id = b\naws_secret_access_key = b\n",
        "[default]\naws_access_key_id = !\naws_secret_access_key = @\n",
        id="AWS's own file",
    ),
    pytest.param(
        {"format": "json", "pointer": f"/env/{VALUE}"},
        f'{{"env": {{"{VALUE}": "b", "{ID}": "b", "C": "b"}}}}',
        f'{{"env": {{"{VALUE}": "@", "{ID}": "!", "C": "b"}}}}',
        id="json",
    ),
    pytest.param(
        {"format": "json", "pointer": "/s3/secret", "id_name": "/s3/key/id"},
        '{"s3": {"secret": "b", "key": {"id": "b"}}}',
        '{"s3": {"secret": "@", "key": {"id": "!"}}}',
        id="json, with a place of its own",
    ),
    pytest.param(
        {"format": "toml", "pointer": "/aws/secret", "id_name": "id"},
        "[aws]\nid = 'b'\nsecret = 'b'\n",
        '[aws]\nid = "!"\nsecret = "@"\n',
        id="toml, with a name of its own",
    ),
    pytest.param(
        {"format": "yaml", "pointer": f"/env/{VALUE}"},
        f"env: {{{ID}: b, {VALUE}: b}}\n",
        f'env: {{{ID}: "!", {VALUE}: "@"}}\n',
        id="yaml",
    ),
    pytest.param({"format": "template"}, "anything", "key @ of ! (!)\n", id="template"),
]


@pytest.mark.parametrize(("stated", "before", "after"), FILES)
def test_a_file_gets_both_halves_in_one_write(
    stated: dict[str, str], before: str, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`@` is the value and `!` the public half; with another half in the file it holds no key of ours."""
    path, delivered = tmp_path / "held", Delivered()
    path.write_text(before)
    if stated["format"] == "template":
        (tmp_path / "template").write_text(f"key {{{{{VALUE}}}}} of {{{{{ID}}}}} ({{{{{ID}}}}})\n")
        stated = {**stated, "template": str(tmp_path / "template")}
    settings = {"path": str(path), "process": f"{tmp_path}/no-such", **stated}
    delivery = pair("file", delivered, settings)
    agent = agent_catalog.get("file")
    writes: list[str] = []
    monkeypatch.setattr("os.replace", _counted(writes))
    for _ in range(2):
        agent.deliver(delivery)
    assert path.read_text() == after.replace("@", delivered.value).replace("!", half_of(delivery))
    assert len(writes) == 1
    assert agent.attest(delivery).method == "not-running"
    path.write_text(after.replace("@", delivered.value).replace("!", "another"))
    assert agent.attest(delivery).method == "file-differs"


def _counted(writes: list[str]) -> Callable[..., None]:
    real = os.replace

    def counted(source: str, target: str, **folders: int) -> None:
        writes.append(target)
        real(source, target, **folders)

    return counted


ALONE = [
    ("file", {"format": "raw", "path": "/x"}, VALUE),
    ("file", {"format": "env", "path": "/x"}, "BUCKET_PASSWORD"),
    ("systemd", {"unit": "u", "path": "/x"}, VALUE),
    ("mcp_config", {"path": "/x.json", "pointer": f"/env/{VALUE}", "variable": "OTHER"}, VALUE),
    ("aws_secret", {"format": "raw"}, VALUE),
    ("litellm_proxy", {}, VALUE),
    ("openclaw", {}, VALUE),
    ("claude_code", {}, VALUE),
    ("process", {}, "BUCKET_PASSWORD"),
]


@pytest.mark.parametrize(("kind", "settings", "variable"), ALONE)
def test_half_a_key_is_refused(kind: str, settings: dict[str, str], variable: str) -> None:
    """The reason says so, and what would do."""
    with pytest.raises(AgentError, match="public half") as refused:
        name_beside(kind, settings, "aws", variable)
    assert refused.value.hint
    assert name_beside(kind, settings, "openai", variable) is None


@pytest.mark.parametrize(
    "kind",
    ["file", "systemd", "exec_hook", "webhook", "kubernetes", "github_actions", "gitlab_ci", "docker", "process"],
)
def test_the_public_half_is_called_as_awss_tools_call_it(kind: str) -> None:
    """Beside a value that is called as theirs is, nothing is to be stated."""
    assert name_beside(kind, {"format": "env"}, "aws", f"ORDERS_{VALUE}") == f"ORDERS_{ID}"


def test_an_agent_that_was_bound_before_gets_no_half_either() -> None:
    """The step that hands out keys asks first; the others get theirs."""
    given: list[str] = []

    def alone() -> Mapping[str, Half]:
        name_beside("claude_code", {}, "aws", VALUE)
        return {}

    agent = replace(agent_catalog.get("process"), deliver=lambda one: given.append(one.agent))
    each = [
        (agent, replace(Delivered().to({}, beside=beside), agent=name))
        for name, beside in (("alone", alone), ("pair", dict))
    ]
    run: Any = SimpleNamespace(new=lambda: None, deliveries=lambda _: each, agents=each)
    with pytest.raises(AgentError, match=r"alone: .*public half"):
        ACTIONS[Step.STAGE](run, 1)
    assert given == ["pair"]


def test_a_server_of_an_mcp_client_counts_with_both_halves(tmp_path: Path) -> None:
    """A process that was started between two rotations may have one of each."""
    path, delivered = tmp_path / ".mcp.json", Delivered()
    path.write_text(json.dumps({"env": {VALUE: "b", ID: "b"}}))
    settings = {"path": str(path), "pointer": f"/env/{VALUE}", "process": f"server-of-{path}"}
    delivery, agent = pair("mcp_config", delivered, settings), agent_catalog.get("mcp_config")
    agent.deliver(delivery)
    given = json.loads(path.read_text())["env"]
    assert given == {VALUE: delivered.value, ID: half_of(delivery)}
    waiting = ("-c", "import time; time.sleep(60)", settings["process"])
    for half, expected in (("b", Holding.OTHER), (half_of(delivery), Holding.NEW)):
        with running(*waiting, environ={**given, ID: half}):
            eventually(lambda: agent.attest(delivery).holding is not Holding.NOT_RUNNING, "the server", seconds=5)
            eventually(lambda: agent.attest(delivery).holding is expected, "what it holds", seconds=5)  # noqa: B023


def test_a_challenge_is_about_both_halves() -> None:
    """The proof of the value with another public half is none; an agent that knows of no halves proves nothing."""
    value, half = Secret("a value"), Half(name=ID, text="id-1")
    question = Question.about("search", VALUE, half)
    assert question.document()["id_variable"] == ID
    assert half.text not in json.dumps(question.document())
    assert challenge.right(value, question, question.proof(value))
    for other in (replace(question, half=replace(half, text="id-2")), replace(question, half=None)):
        assert not challenge.right(value, question, other.proof(value))


@pytest.mark.parametrize(("held", "expected"), [("right", Holding.NEW), ("other", Holding.OTHER)])
def test_a_running_agent_answers_for_both_halves(held: str, expected: Holding, tmp_path: Path) -> None:
    """As docs/attestation.md says: the agent of the samples does."""
    delivered, port = Delivered(), free_port()
    settings = {"url": "https://x.example", "secret_file": "/x", "challenge": f"http://127.0.0.1:{port}/challenge"}
    delivery = pair("webhook", delivered, settings)
    has = half_of(delivery) if held == "right" else "another"
    with running(CHALLENGED, VALUE, "--port", str(port), environ={VALUE: delivered.value, ID: has}):
        eventually(lambda: agent_catalog.get("webhook").attest(delivery).method == "challenge", "an answer", seconds=10)
        assert agent_catalog.get("webhook").attest(delivery).holding is expected


def test_a_program_gets_the_public_half_in_the_same_run(tmp_path: Path) -> None:
    """In its environment, as it is no secret; and what proves the key is asked about both."""
    taking = script(
        tmp_path / "take", f'cat > {tmp_path}/value; echo "$KEYSWEEP_ID_VARIABLE=$KEYSWEEP_ID" > {tmp_path}/half'
    )
    (tmp_path / "prove.py").write_text(
        "import hashlib, hmac, json, sys\n"
        "asked = json.load(sys.stdin)\n"
        f"half = open({str(tmp_path / 'half')!r}).read().strip().partition('=')\n"
        "assert half[0] == asked['id_variable']\n"
        "said = f\"keysweep-challenge-v1:{asked['nonce']}:{half[2]}\".encode()\n"
        f"print(hmac.new(open({str(tmp_path / 'value')!r}, 'rb').read(), said, hashlib.sha256).hexdigest())\n"
    )
    prove = script(tmp_path / "prove", f"exec {sys.executable} -S -E {tmp_path}/prove.py")
    delivered = Delivered()
    delivery, agent = pair("exec_hook", delivered, {"command": taking, "prove": prove}), agent_catalog.get("exec_hook")
    agent.deliver(delivery)
    assert (tmp_path / "half").read_text() == f"{ID}={half_of(delivery)}\n"
    assert agent.attest(delivery).holding is Holding.NEW
    (tmp_path / "half").write_text(f"{ID}=another\n")
    assert agent.attest(delivery).holding is Holding.OTHER


def test_github_actions_stores_both_sealed(vendors: Vendors) -> None:
    """The public half before the value: whoever reads in between fails with the old value and the new name, not the other way."""
    admin = vendors.seed("github_actions", "admin", admin=True).value
    settings = {"repository": "acme/agents", "base_url": f"{vendors.url}/github_actions", "admin": "ci"}
    delivered = Delivered()
    delivery = pair("github_actions", delivered, settings, admin=lambda _: Secret(admin))
    agent = agent_catalog.get("github_actions")
    agent.deliver(delivery)
    kept = {name: one["digest"] for name, one in vendors.extra("github_actions")["secrets"].items()}
    assert kept == {ID: digest(half_of(delivery)), VALUE: digest(delivered.value)}
    assert agent.attest(delivery).holding is Holding.NOT_RUNNING
    del vendors.extra("github_actions")["secrets"][ID]
    with pytest.raises(AgentError, match="404"):
        agent.attest(delivery)


def test_gitlab_ci_stores_both_and_reads_both_back(vendors: Vendors) -> None:
    """The public half is protected like the value, and not masked: it is none."""
    admin = vendors.seed("gitlab_ci", "admin", admin=True).value
    settings = {"project": "acme/agents", "base_url": f"{vendors.url}/gitlab_ci", "admin": "ci"}
    delivered = Delivered()
    delivery = pair("gitlab_ci", delivered, settings, admin=lambda _: Secret(admin))
    agent = agent_catalog.get("gitlab_ci")
    agent.deliver(delivery)
    by_name = {one["key"]: one for one in vendors.extra("gitlab_ci")["projects"]["acme/agents"]}
    assert {name: (one["value"], one["masked"], one["protected"]) for name, one in by_name.items()} == {
        ID: (half_of(delivery), False, True),
        VALUE: (delivered.value, True, True),
    }
    assert agent.attest(delivery).method == "next-pipeline"
    by_name[ID]["value"] = "another"
    assert agent.attest(delivery).method == "variable-differs"


def test_litellm_gets_both_in_one_call(vendors: Vendors) -> None:
    """A credential of a model that AWS serves has both among its values."""
    admin = vendors.seed("litellm_proxy", "admin", admin=True).value
    vendors.extra("litellm_proxy")["credentials"] = {"bedrock": {"digest": "", "mask": "", "info": {}}}
    settings = {
        "base_url": f"{vendors.url}/litellm_proxy", "credential": "bedrock", "model": "sim-1", "admin": "proxy",
        "field": "aws_secret_access_key",
    }  # fmt: skip
    delivered = Delivered()
    delivery = pair("litellm_proxy", delivered, settings, admin=lambda _: Secret(admin))
    seen: list[Call] = []
    vendors.watch(seen.append)
    agent_catalog.get("litellm_proxy").deliver(delivery)
    assert [call.body["credential_values"] for call in seen] == [
        {"aws_access_key_id": half_of(delivery), "aws_secret_access_key": delivered.value}
    ]
