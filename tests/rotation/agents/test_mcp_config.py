"""MCP clients: one string of their file changes, references stay, and a server counts once its own environment holds the key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Delivery, Holding
from tests.fakes.agents import environment, eventually
from tests.fakes.deliveries import Delivered, running

AGENT = agent_catalog.get("mcp_config")
_JSON = """{
  // people write comments here
  "mcpServers": {
    "search": {"command": "npx", "args": ["-y", "server-search"], "env": {"SEARCH_KEY": "%s", "OTHER": "${OTHER}"}},
    "mail": {"url": "https://mail.example", "headers": {"Authorization": "Bearer ${MAIL}"}}
  }
}
"""
_TOML = """[mcp_servers.search]
command = "npx"  # by hand
[mcp_servers.search.env]
SEARCH_KEY = "%s"
"""


def to(path: Path, delivered: Delivered, pointer: str = "/mcpServers/search/env/SEARCH_KEY", **more: str) -> Delivery:
    """Return a delivery to a client's file."""
    return delivered.to({"path": str(path), "pointer": pointer, "process": f"server-of-{path}", **more})


@pytest.mark.parametrize(
    ("name", "text", "pointer"),
    [
        (".mcp.json", _JSON.replace("  // people write comments here\n", ""), "/mcpServers/search/env/SEARCH_KEY"),
        ("config.toml", _TOML, "/mcp_servers/search/env/SEARCH_KEY"),
    ],
)
def test_every_other_byte_stays(name: str, text: str, pointer: str, tmp_path: Path) -> None:
    """Comments, order, spaces, and the references of the others."""
    path, delivered = tmp_path / name, Delivered()
    path.write_text(text % "before")
    delivery = to(path, delivered, pointer)
    for _ in range(2):
        AGENT.deliver(delivery)
        AGENT.activate(delivery)
    assert path.read_text() == text % delivered.value
    assert delivered.opened == ["deliver"]
    assert AGENT.attest(delivery).holding is Holding.NOT_RUNNING


def test_a_reference_to_the_environment_is_not_filled(tmp_path: Path) -> None:
    """Else the key would lie in a file that is made to be shared."""
    path, delivered = tmp_path / ".mcp.json", Delivered()
    text = json.dumps({"mcpServers": {"search": {"env": {"SEARCH_KEY": "${SEARCH_KEY}"}}}})
    path.write_text(text)
    with pytest.raises(AgentError, match="left as it is"):
        AGENT.deliver(to(path, delivered))
    assert (path.read_text(), delivered.opened) == (text, [])


def test_a_server_keeps_the_environment_that_it_began_with(tmp_path: Path) -> None:
    """A changed file does not count; a process that was started with the new value does, and every one must."""
    path, delivered = tmp_path / ".mcp.json", Delivered()
    path.write_text(json.dumps({"mcpServers": {"search": {"env": {"SEARCH_KEY": "before"}}}}))
    delivery = to(path, delivered)
    server = ("-c", "import time; time.sleep(60)", f"server-of-{path}")
    with running(*server, environ={"SEARCH_KEY": "before"}) as old:
        eventually(lambda: environment(old.pid) != {}, "the server to run")
        AGENT.deliver(delivery)
        assert AGENT.attest(delivery).holding is Holding.OTHER
        with running(*server, environ={"SEARCH_KEY": delivered.value}) as new:
            eventually(lambda: "SEARCH_KEY" in environment(new.pid), "the server to run")
            assert AGENT.attest(delivery).holding is Holding.OTHER
            old.kill()
            old.wait()
            seen = AGENT.attest(delivery)
            assert (seen.holding, seen.method) == (Holding.NEW, "kernel")


def test_a_file_that_is_put_back_does_not_count(tmp_path: Path) -> None:
    """An editor that saved its old copy: the next server would get the old key."""
    path, delivered = tmp_path / ".mcp.json", Delivered()
    path.write_text(json.dumps({"mcpServers": {"search": {"env": {"SEARCH_KEY": "before"}}}}))
    seen = AGENT.attest(to(path, delivered))
    assert (seen.holding, seen.method) == (Holding.OTHER, "file-differs")


@pytest.mark.parametrize(
    "stated",
    [
        ["path=relative.json", "pointer=/a"],
        ["path=/etc/config.ini", "pointer=/a"],
        ["path=/etc/config.json", "pointer=a"],
        ["path=/etc/config.json", "pointer=/a", "reload=reload"],
    ],
)
def test_settings_that_cannot_work(stated: list[str]) -> None:
    """Refused when the agent is added."""
    with pytest.raises(UsageError):
        agent_catalog.settings("mcp_config", ["process=x", *stated])
