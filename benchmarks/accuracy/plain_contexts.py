"""Contexts in which the key stands as it is: settings, source code, documents, URLs, and each character that may follow it."""

from __future__ import annotations

import json
from functools import partial

from benchmarks.accuracy.chance import Chance
from benchmarks.accuracy.contexts import ANY, BARE, NAMED, TOKENS, Context, Group, Write, lines, pairs
from benchmarks.accuracy.kinds import Key, Shape

plain = partial(Context, group=Group.PLAIN)
_UPLOAD = "https://api.example.net/v1"


def _json(key: Key, _chance: Chance) -> str:
    return json.dumps({"region": "eu", **dict(pairs(key)), "retries": 3}, indent=2) + "\n"


def _mcp(change: Write) -> Write:
    """Return a writer of an MCP configuration whose server is what *change* says."""

    def write(key: Key, chance: Chance) -> str:
        server = json.loads(change(key, chance))
        return json.dumps({"mcpServers": {"search": server}}, indent=2) + "\n"

    return write


def _mcp_env(key: Key, _chance: Chance) -> str:
    return json.dumps({"command": "npx", "args": ["-y", "server-search"], "env": dict(pairs(key))})


def _yaml_map(key: Key, _chance: Chance) -> str:
    inner = lines(key, "      {}: {}")
    return f"services:\n  agent:\n    image: agent:1\n    environment:\n{inner}\n    restart: always\n"


def _diff(key: Key, chance: Chance) -> str:
    head = f"diff --git a/.env b/.env\nindex {chance.hexa(7)}..{chance.hexa(7)} 100644\n--- a/.env\n+++ b/.env\n"
    return f"{head}@@ -1,2 +1,{2 + len(pairs(key))} @@\n LOG=info\n{lines(key, '+{}={}')}\n PORT=80\n"


def _notebook(key: Key, _chance: Chance) -> str:
    source = ["import os\n", *(f'os.environ["{name}"] = "{value}"\n' for name, value in pairs(key))]
    cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [], "source": source}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def _har(key: Key, _chance: Chance) -> str:
    header = {"name": "authorization", "value": f"Bearer {key.value}"}
    entry = {"request": {"method": "GET", "url": f"{_UPLOAD}/models", "headers": [header]}, "response": {"status": 200}}
    return json.dumps({"log": {"version": "1.2", "entries": [entry]}})


def _tfstate(key: Key, _chance: Chance) -> str:
    attributes = {"id": "app", **{name.lower(): value for name, value in pairs(key)}}
    return json.dumps({"version": 4, "resources": [{"instances": [{"attributes": attributes}]}]}, indent=2)


def _dump(key: Key, chance: Chance) -> str:
    rows = ",".join(f"({chance.randrange(99)},'{name}','{value}','2026-11-24')" for name, value in pairs(key))
    return f"INSERT INTO settings (id, name, value, at) VALUES {rows};\n"


def _block_yaml(key: Key, _chance: Chance) -> str:
    inner = "\n".join(f"    {line}" for line in key.value.split("\n"))
    return f"kind: Secret\nstringData:\n  key.pem: |\n{inner}\n  other: 1\n"


def _neighbour(name: str, before: str, behind: str, group: Group = Group.PLAIN) -> Context:
    return Context(
        name=name,
        group=group,
        shapes=TOKENS,
        write=lambda key, _chance: f"first line\nsee {before}{key.value}{behind}\nlast line\n",
    )


_BEHIND = {
    "a comma": ", next", "a comma and a word": ",next", "a round bracket": ") next", "a square bracket": "] next",
    "a brace": "} next", "two braces": "}}", "an ampersand": "&next=1", "less than": "<br>", "greater than": "> next",
    "a full stop": ". Next", "a full stop at the end": ".", "an ellipsis": "... next", "a semicolon": "; next",
    "a colon": ": next", "an escaped quote": '\\", "next', "a twice escaped quote": '\\\\\\", ', "a hash": "#next",
    "a question mark": "?next", "an exclamation mark": "!", "a bar": "|next|", "a backslash and n": "\\nnext",
    "a tab": "\tnext", "a zero byte": "\0next", "a carriage return": "\r", "a percent sign": "%20next", "a star": "** next",
    "an at sign": "@github.com/acme/app.git", "a Chinese full stop": "\u3002\u4e0b\u4e00", "a German quote": "\u201c weiter",
    "the end of the file": "",
}  # fmt: skip
_BEFORE = {
    "a quote": '"', "a bracket": "(", "a square bracket": "[", "a brace": "{", "a colon": "key:", "an equals sign": "key=",
    "a bar": "|", "greater than": "<b>", "an at sign": "user@", "a slash": "path/", "a Chinese word": "\u5bc6\u94a5\u662f",
    "a backslash and n": "x\\n", "a tab as escape": "x\\t", "a percent escape": "key%3D", "a colour": "\x1b[32m",
    "a comma": "a,", "a star": "**", "a tilde": "~", "a quote and a letter": "b'", "a byte order mark": "\ufeff",
    "a semicolon": "a;", "a dollar sign": "$'",
}  # fmt: skip

CONTEXTS = (
    plain(name="alone", shapes=frozenset({*BARE, Shape.BLOCK}), write=lambda k, _c: k.value),
    plain(name="in a sentence", shapes=BARE, write=lambda k, _c: f"Please use {k.value} until Friday.\n"),
    plain(name="double quotes", shapes=NAMED, write=lambda k, _c: lines(k, '{} = "{}"')),
    plain(name="single quotes", shapes=NAMED, write=lambda k, _c: lines(k, "{} = '{}'")),
    plain(name=".env file", shapes=NAMED, write=lambda k, _c: f"LOG=info\n{lines(k)}\nPORT=80\n", suffix=".env"),
    plain(name=".env file, quoted", shapes=ANY, write=lambda k, _c: lines(k, '{}="{}"') + "\nPORT=80\n", suffix=".env"),
    plain(name="shell export", shapes=NAMED, write=lambda k, _c: lines(k, "export {}={}") + "\nrun\n", suffix=".sh"),
    plain(name="shell, before a command", shapes=NAMED, write=lambda k, _c: "$ " + lines(k, "{}={}").replace("\n", " ") + " python run.py\n"),
    plain(name="PowerShell", shapes=NAMED, write=lambda k, _c: lines(k, '$env:{} = "{}"'), suffix=".ps1"),
    plain(name="JSON", shapes=ANY, write=_json, suffix=".json"),
    plain(name="JSON without spaces", shapes=ANY, write=lambda k, _c: json.dumps(dict(pairs(k)), separators=(",", ":")), suffix=".json"),
    plain(name="JSON list", shapes=BARE, write=lambda k, _c: json.dumps(["a", k.value, "b"]), suffix=".json"),
    plain(name="YAML", shapes=NAMED, write=lambda k, _c: "agent:\n" + lines(k, "  {}: {}") + "\n  retries: 3\n", suffix=".yaml"),
    plain(name="YAML block", shapes=frozenset({Shape.BLOCK}), write=_block_yaml, suffix=".yaml"),
    plain(name="docker compose list", shapes=NAMED, write=lambda k, _c: "    environment:\n" + lines(k, "      - {}={}") + "\n", suffix=".yml"),
    plain(name="docker compose map", shapes=NAMED, write=_yaml_map, suffix=".yml"),
    plain(name="Dockerfile", shapes=NAMED, write=lambda k, _c: "FROM python:3.13\n" + lines(k, "ENV {}={}") + "\nRUN true\n", suffix=".dockerfile"),
    plain(name="TOML", shapes=NAMED, write=lambda k, _c: "[agent]\n" + lines(k, '{} = "{}"') + "\n", suffix=".toml"),
    plain(name="INI", shapes=NAMED, write=lambda k, _c: "[agent]\n" + lines(k, "{} = {}") + "\n", suffix=".ini"),
    plain(name="properties", shapes=NAMED, write=lambda k, _c: lines(k, "agent.{}: {}") + "\n", suffix=".properties"),
    plain(name="Terraform", shapes=NAMED, write=lambda k, _c: 'resource "x" "y" {\n' + lines(k, '  {} = "{}"') + "\n}\n", suffix=".tf"),
    plain(name="Terraform state", shapes=NAMED, write=_tfstate, suffix=".tfstate"),
    plain(name="Kubernetes stringData", shapes=NAMED, write=lambda k, _c: "kind: Secret\nstringData:\n" + lines(k, '  {}: "{}"') + "\n", suffix=".yaml"),
    plain(name="Kubernetes env", shapes=TOKENS, write=lambda k, _c: f"  - name: {k.name}\n    value: {k.value}\n", suffix=".yaml"),
    plain(name="Markdown code", shapes=BARE, write=lambda k, _c: f"# Setup\n\nUse `{k.value}` for tests.\n", suffix=".md"),
    plain(name="Markdown fence", shapes=NAMED, write=lambda k, _c: f"```sh\n{lines(k, 'export {}={}')}\n```\n", suffix=".md"),
    plain(name="Markdown table", shapes=BARE, write=lambda k, _c: f"| name | value |\n|---|---|\n| {k.name} | {k.value} |\n", suffix=".md"),
    plain(name="Markdown link", shapes=TOKENS, write=lambda k, _c: f"See [the console]({_UPLOAD}?api_key={k.value}).\n", suffix=".md"),
    plain(name="Markdown bold", shapes=BARE, write=lambda k, _c: f"The key is **{k.value}**.\n", suffix=".md"),
    plain(name="HTML attribute", shapes=BARE, write=lambda k, _c: f'<input type="hidden" value="{k.value}"/>', suffix=".html"),
    plain(name="HTML text", shapes=BARE, write=lambda k, _c: f"<p>Key: <code>{k.value}</code></p>", suffix=".html"),
    plain(name="HTML link", shapes=TOKENS, write=lambda k, _c: f'<a href="{_UPLOAD}?a=1&amp;key={k.value}&amp;b=2">x</a>', suffix=".html"),
    plain(name="XML element", shapes=NAMED, write=lambda k, _c: "<c>\n" + "\n".join(f"<{n}>{v}</{n}>" for n, v in pairs(k)) + "\n</c>", suffix=".xml"),
    plain(name="XML attribute", shapes=NAMED, write=lambda k, _c: lines(k, '<add key="{}" value="{}"/>'), suffix=".config"),
    plain(name="CSV", shapes=BARE, write=lambda k, _c: f"id,name,key,owner\n7,{k.name},{k.value},ann\n", suffix=".csv"),
    plain(name="CSV, quoted", shapes=BARE, write=lambda k, _c: f'"id","key"\n"7","{k.value}"\n', suffix=".csv"),
    plain(name="TSV", shapes=BARE, write=lambda k, _c: f"id\tkey\tat\n7\t{k.value}\t2026\n", suffix=".tsv"),
    plain(name="git diff", shapes=NAMED, write=_diff, suffix=".diff"),
    plain(name="URL query", shapes=TOKENS, write=lambda k, _c: f"GET {_UPLOAD}/x?q=1&api_key={k.value}&page=2\n"),
    plain(name="URL query, last", shapes=TOKENS, write=lambda k, _c: f'url = "{_UPLOAD}/models?key={k.value}"\n'),
    plain(name="URL path", shapes=TOKENS, write=lambda k, _c: f"{_UPLOAD}/{k.value}/mcp\n"),
    plain(name="URL fragment", shapes=TOKENS, write=lambda k, _c: f"http://localhost:8080/callback#access_token={k.value}&type=bearer\n"),
    plain(name="URL user", shapes=TOKENS, write=lambda k, _c: f"git clone https://{k.value}@git.example.net/acme/app.git\n"),
    plain(name="URL password", shapes=TOKENS, write=lambda k, _c: f"git clone https://oauth2:{k.value}@git.example.net/acme/app.git\n"),
    plain(name="HTTP header", shapes=TOKENS, write=lambda k, _c: f"GET /v1 HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {k.value}\r\n\r\n"),
    plain(name="HTTP header of its own", shapes=TOKENS, write=lambda k, _c: f"Host: a.example\nx-api-key: {k.value}\nAccept: */*\n"),
    plain(name="curl command", shapes=TOKENS, write=lambda k, _c: f'curl -s {_UPLOAD} -H "Authorization: Bearer {k.value}" -d @body.json\n', suffix=".sh"),
    plain(name="curl user", shapes=TOKENS, write=lambda k, _c: f"curl {_UPLOAD} -u {k.value}: -d amount=1\n", suffix=".sh"),
    plain(name="zsh history", shapes=TOKENS, write=lambda k, _c: f": 1790000000:0;curl -H 'x-api-key: {k.value}' {_UPLOAD}\n: 1790000001:0;ls\n"),
    plain(name="fish history", shapes=TOKENS, write=lambda k, _c: f"- cmd: set -x {k.name} {k.value}\n  when: 1790000000\n"),
    plain(name="command option", shapes=TOKENS, write=lambda k, _c: f"agent run --token={k.value} --verbose\n"),
    plain(name="command option, apart", shapes=BARE, write=lambda k, _c: f"agent login --api-key {k.value}\n"),
    plain(name="netrc", shapes=TOKENS, write=lambda k, _c: f"machine a.example\n  login x\n  password {k.value}\n"),
    plain(name="npmrc", shapes=TOKENS, write=lambda k, _c: f"//registry.example.net/:_authToken={k.value}\nalways-auth=true\n"),
    plain(name="workflow", shapes=NAMED, write=lambda k, _c: "    env:\n" + lines(k, '      {}: "{}"') + "\n    steps:\n", suffix=".yml"),
    plain(name="MCP env", shapes=NAMED, write=_mcp(_mcp_env), suffix=".json"),
    plain(name="MCP args", shapes=TOKENS, write=_mcp(lambda k, _c: json.dumps({"command": "npx", "args": ["-y", "s", f"--api-key={k.value}"]})), suffix=".json"),
    plain(name="MCP args, apart", shapes=BARE, write=_mcp(lambda k, _c: json.dumps({"command": "npx", "args": ["-y", "s", "--key", k.value]})), suffix=".json"),
    plain(name="MCP headers", shapes=TOKENS, write=_mcp(lambda k, _c: json.dumps({"url": _UPLOAD, "headers": {"Authorization": f"Bearer {k.value}"}})), suffix=".json"),
    plain(name="MCP url query", shapes=TOKENS, write=_mcp(lambda k, _c: json.dumps({"url": f"{_UPLOAD}/mcp?apiKey={k.value}"})), suffix=".json"),
    plain(name="MCP url path", shapes=TOKENS, write=_mcp(lambda k, _c: json.dumps({"url": f"{_UPLOAD}/{k.value}/sse"})), suffix=".json"),
    plain(name="MCP env in TOML", shapes=NAMED, write=lambda k, _c: "[mcp_servers.s]\ncommand = \"npx\"\n\n[mcp_servers.s.env]\n" + lines(k, '{} = "{}"') + "\n", suffix=".toml"),
    plain(name="MCP env in TOML, inline", shapes=NAMED, write=lambda k, _c: "env = { " + lines(k, '"{}" = "{}"').replace("\n", ", ") + " }\n", suffix=".toml"),
    plain(name="MCP headers in TOML", shapes=TOKENS, write=lambda k, _c: f'http_headers = {{ "Authorization" = "Bearer {k.value}" }}\n', suffix=".toml"),
    plain(name="Python", shapes=NAMED, write=lambda k, _c: "import os\n\n" + lines(k, 'os.environ["{}"] = "{}"') + "\n", suffix=".py"),
    plain(name="Python argument", shapes=BARE, write=lambda k, _c: f"client = Client(api_key='{k.value}', timeout=3)\n", suffix=".py"),
    plain(name="Python f-string", shapes=TOKENS, write=lambda k, _c: f'h = {{"Authorization": f"Bearer {k.value}"}}\n', suffix=".py"),
    plain(name="JavaScript", shapes=NAMED, write=lambda k, _c: "export default {\n" + lines(k, "  {}: '{}',") + "\n};\n", suffix=".js"),
    plain(name="JavaScript template", shapes=TOKENS, write=lambda k, _c: f"const h = `Bearer {k.value}`;\n", suffix=".ts"),
    plain(name="minified JavaScript", shapes=BARE, write=lambda k, _c: f'!function(){{var e="{k.value}",t=1;n(e,t)}}();\n', suffix=".js"),
    plain(name="Go", shapes=NAMED, write=lambda k, _c: "const (\n" + lines(k, '\t{} = "{}"') + "\n)\n", suffix=".go"),
    plain(name="Java", shapes=NAMED, write=lambda k, _c: lines(k, '  static final String {} = "{}";') + "\n", suffix=".java"),
    plain(name="SQL dump", shapes=NAMED, write=_dump, suffix=".sql"),
    plain(name="notebook", shapes=NAMED, write=_notebook, suffix=".ipynb"),
    plain(name="HAR", shapes=TOKENS, write=_har, suffix=".har"),
    plain(name="comment", shapes=BARE, write=lambda k, _c: f"x = 1  # old key: {k.value}\n", suffix=".py"),
    plain(name="Chinese text", shapes=BARE, write=lambda k, _c: f"\u8bf7\u4f7f\u7528\u5bc6\u94a5\u201c{k.value}\u201d\u8fdb\u884c\u6d4b\u8bd5\u3002\n", suffix=".md"),
    *(_neighbour(f"behind it {name}", "", behind) for name, behind in _BEHIND.items()),
    *(_neighbour(f"before it {name}", before, " next") for name, before in _BEFORE.items()),
)  # fmt: skip
"""One line each; a table that is read by its names."""
