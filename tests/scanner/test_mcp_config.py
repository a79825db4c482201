"""Configurations of MCP servers: whatever is handed to a server is a key, and the server's name may tell whose."""

from __future__ import annotations

import json

import pytest

from keysweep.rules.model import Severity
from tests.scanner.test_generic import drawn, matches

VALUE = drawn(length=40, seed=7)


def config(name: str, **server: object) -> str:
    return json.dumps({"mcpServers": {name: server}}, indent=2)


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        pytest.param(config("brave-search", env={"KEY": VALUE}), "brave", id="environment, named by the server"),
        pytest.param(
            config("search", env={"TAVILY_API_KEY": VALUE}), "tavily", id="environment, named by the variable"
        ),
        pytest.param(config("github", env={"NOTION_TOKEN": VALUE}), "notion", id="the variable is nearer"),
        pytest.param(config("own", env={"THING": VALUE}), "ambiguous", id="nobody's name"),
        pytest.param(config("own", args=["serve", f"--api-key={VALUE}"]), "ambiguous", id="argument with a sign"),
        pytest.param(config("own", args=["serve", "--api-key", VALUE]), "ambiguous", id="argument"),
        pytest.param(config("linear", headers={"Authorization": f"Bearer {VALUE}"}), "linear", id="header"),
        pytest.param(config("own", url=f"https://mcp.example.net/s/{VALUE}/sse"), "ambiguous", id="path of an address"),
        pytest.param(
            config("own", url=f"https://mcp.example.net/mcp?k={VALUE}"), "ambiguous", id="query of an address"
        ),
        pytest.param(
            config("own", args=["mcp-remote", f"https://mcp.example.net/{VALUE}"]),
            "ambiguous",
            id="address as argument",
        ),
        pytest.param(json.dumps({"t": config("exa", env={"K": VALUE})}), "exa", id="JSON in JSON"),
        pytest.param(json.dumps({"t": json.dumps({"u": config("exa", env={"K": VALUE})})}), "exa", id="twice"),
        pytest.param(
            '{// servers\n"mcpServers": {"exa": {"env": {"K": "' + VALUE + '",},},},}', "exa", id="comments and commas"
        ),
        pytest.param(
            f'[mcp_servers.linear]\ncommand = "x"\n[mcp_servers.linear.env]\nK = "{VALUE}"\n', "linear", id="TOML"
        ),
        pytest.param(
            f'model = "m"\n\n[mcp_servers.own]\nenv = {{ "NOTION_K" = "{VALUE}" }}\n\n[tui]\nx = = broken\n',
            "notion",
            id="TOML between other tables",
        ),
        pytest.param(f'[mcp_servers.own]\nhttp_headers = {{ X = "{VALUE}" }}\n', "ambiguous", id="TOML headers"),
    ],
)
def test_what_is_handed_to_a_server_is_found(text: str, provider: str) -> None:
    """In every place where clients put it, and with the exact span."""
    (match,) = matches(text)
    assert (match.rule, match.severity, match.provider) == ("generic-mcp", Severity.MEDIUM, provider)
    assert text.encode()[match.start : match.end] == VALUE.encode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(config("own", env={"API_KEY": "${input:key1}"}), id="a reference"),
        pytest.param(config("own", env={"PROJECT_ID": VALUE}), id="an id"),
        pytest.param(config("own", args=["-y", "@modelcontextprotocol/server-brave-search@2.1.0"]), id="a package"),
        pytest.param(config("own", command="/opt/mcp/bin/server-7f3a"), id="a program"),
        pytest.param('{"mcpServers": {' * 5000, id="never closed"),
        pytest.param('"mcpServers": ' + "{" * 70000 + "}" * 70000, id="deep"),
        pytest.param("[mcp_servers.x]\nbroken = = 1", id="no TOML"),
    ],
)
def test_the_rest_of_a_configuration_is_none(text: str) -> None:
    """And broken ones are survived."""
    assert matches(text) == []


def test_a_value_that_stands_twice_is_one_finding_each_place_once() -> None:
    """Structure and name agree on a value: it is not reported by both."""
    found = matches(config("own", env={"API_KEY": VALUE}))
    assert [match.rule for match in found] == ["generic-mcp"]
