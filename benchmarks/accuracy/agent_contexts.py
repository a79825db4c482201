"""Contexts of logs and of what agents write down: transcripts, tracebacks, JSON in JSON, terminals."""

from __future__ import annotations

import json
from functools import partial

from benchmarks.accuracy.chance import Chance
from benchmarks.accuracy.contexts import ANY, BARE, NAMED, TOKENS, Context, Group, Write, lines, pairs
from benchmarks.accuracy.kinds import Key

agent = partial(Context, group=Group.AGENT)
Record = dict[str, object]
_AT = "2026-11-24T10:00:00.123Z"


def _around(record: Record, chance: Chance) -> str:
    """Return a JSONL file: a record between two others."""
    other = {"type": "summary", "summary": "Set up the gateway", "leafUuid": chance.uuid()}
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in (other, record, other)) + "\n"


def _claude(content: object, chance: Chance, **more: object) -> str:
    record = {
        "parentUuid": chance.uuid(), "isSidechain": False, "userType": "external", "cwd": "/srv/ann/app",
        "sessionId": chance.uuid(), "version": "2.0.14", "gitBranch": "main", "type": "user",
        "message": {"role": "user", "content": content}, "uuid": chance.uuid(), "timestamp": _AT, **more,
    }  # fmt: skip
    return _around(record, chance)


def _claude_result(text: str, chance: Chance) -> str:
    block = {"tool_use_id": f"toolu_01{chance.alnum(22)}", "type": "tool_result", "content": text, "is_error": False}
    return _claude([block], chance, toolUseResult={"stdout": text, "stderr": "", "interrupted": False})


def _claude_command(command: str, chance: Chance) -> str:
    use = {"type": "tool_use", "id": f"toolu_01{chance.alnum(22)}", "name": "Bash", "input": {"command": command}}
    return _claude([use], chance)


def _numbered(text: str) -> str:
    return "\n".join(f"{number:>6}\u2192{line}" for number, line in enumerate(text.split("\n"), 1))


def _codex(payload: Record, chance: Chance) -> str:
    record = {"timestamp": _AT, "type": "response_item", "payload": payload}
    return _around(record, chance)


def _codex_call(command: str, chance: Chance) -> str:
    arguments = json.dumps({"command": ["bash", "-lc", command], "workdir": "/srv/ann"})
    return _codex(
        {"type": "function_call", "name": "shell", "arguments": arguments, "call_id": f"call_{chance.alnum(24)}"},
        chance,
    )


def _codex_output(text: str, chance: Chance) -> str:
    output = json.dumps({"output": text, "metadata": {"exit_code": 0, "duration_seconds": 0.1}})
    return _codex({"type": "function_call_output", "call_id": f"call_{chance.alnum(24)}", "output": output}, chance)


def _nested(depth: int) -> Write:
    def write(key: Key, _chance: Chance) -> str:
        text = json.dumps(dict(pairs(key)))
        for _ in range(depth - 1):
            text = json.dumps({"level": "info", "body": text})
        return text + "\n"

    return write


def _env(key: Key) -> str:
    return f"SHELL=/bin/bash\nHOME=/srv/ann\n{lines(key)}\nTERM=xterm\n"


def _traceback(key: Key, _chance: Chance) -> str:
    return (
        "Traceback (most recent call last):\n"
        '  File "/app/agent/loop.py", line 88, in step\n    answer = self.client.complete(messages)\n'
        f"agent.errors.AuthenticationError: Error code: 401 - {{'error': {{'message': 'Incorrect API key provided: {key.value}. "
        "You can find your key in the console.', 'code': 'invalid_api_key'}}\n"
    )


def _traceback_locals(key: Key, _chance: Chance) -> str:
    values = "\n".join(f"    {name} = {value!r}" for name, value in pairs(key))
    return f'  File "/app/gateway.py", line 12, in connect\n{values}\n    timeout = 30\n  ConnectionError: refused\n'


def _illegal_header(key: Key, _chance: Chance) -> str:
    return f"httpcore.LocalProtocolError: Illegal header value b'Bearer {key.value}\\n'\n"


def _json_log(key: Key, _chance: Chance) -> str:
    return (
        json.dumps(
            {
                "ts": _AT,
                "level": "error",
                "msg": "request failed",
                "request": {"headers": {"Authorization": f"Bearer {key.value}"}},
            }
        )
        + "\n"
    )


def _trace(key: Key, chance: Chance) -> str:
    arguments = json.dumps({"query": "x", "api_key": key.value})
    attribute = {"key": "gen_ai.tool.call.arguments", "value": {"stringValue": arguments}}
    span = {"traceId": chance.hexa(32), "spanId": chance.hexa(16), "name": "tool", "attributes": [attribute]}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}) + "\n"


def _inspect(key: Key, chance: Chance) -> str:
    environment = ["PATH=/usr/bin", *(f"{name}={value}" for name, value in pairs(key)), "LANG=C.UTF-8"]
    return json.dumps([{"Id": chance.hexa(64), "Config": {"Env": environment, "Image": "agent:1"}}], indent=4)


def _cast(key: Key, _chance: Chance) -> str:
    output = json.dumps([1.25, "o", f"\u001b[32m{key.name}\u001b[0m={key.value}\r\n"])
    return f'{{"version": 2, "width": 80, "height": 24}}\n{output}\n'


def _docker(key: Key, _chance: Chance) -> str:
    rows = (json.dumps({"log": f"{name}={value}\n", "stream": "stdout", "time": _AT}) for name, value in pairs(key))
    return "\n".join(rows) + "\n"


def _stream(key: Key, _chance: Chance) -> str:
    chunk = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": f"Use `{key.value}` here"},
    }
    return f"event: content_block_delta\ndata: {json.dumps(chunk)}\n\n"


def _gateway(key: Key, chance: Chance) -> str:
    message = f"model call failed: 401 key {key.value} rejected"
    return (
        json.dumps(
            {
                "0": message,
                "_meta": {"runtime": "node", "logLevelName": "ERROR", "path": {"line": chance.randrange(99)}},
                "time": _AT,
            }
        )
        + "\n"
    )


def _allowed(key: Key, _chance: Chance) -> str:
    rule = f'Bash(curl -s -H "Authorization: Bearer {key.value}" https://api.example.net/v1/models)'
    return json.dumps({"permissions": {"allow": ["Bash(ls:*)", rule], "deny": []}}, indent=2)


def _actions(key: Key, _chance: Chance) -> str:
    rows = (f"2026-11-24T10:00:00.1234567Z   {name}: {value}" for name, value in pairs(key))
    return (
        "2026-11-24T10:00:00.1234567Z ##[group]Run make\n"
        + "\n".join(rows)
        + "\n2026-11-24T10:00:01.1234567Z ##[endgroup]\n"
    )


CONTEXTS = (
    agent(name="log line", shapes=TOKENS, write=lambda k, _c: f"2026-11-24 10:00:00,123 INFO gateway: using key {k.value} for tools\n", suffix=".log"),
    agent(name="log line, assignment", shapes=NAMED, write=lambda k, _c: lines(k, "2026-11-24 10:00:00 DEBUG env {}={}") + "\n", suffix=".log"),
    agent(name="logfmt", shapes=BARE, write=lambda k, _c: f'time=2026-11-24T10:00:00Z level=info msg="call" key="{k.value}" status=401\n', suffix=".log"),
    agent(name="logfmt, unquoted", shapes=TOKENS, write=lambda k, _c: f"level=info api_key={k.value} status=401\n", suffix=".log"),
    agent(name="syslog", shapes=BARE, write=lambda k, _c: f"Nov 24 10:00:00 host agent[123]: login with {k.value}\n", suffix=".log"),
    agent(name="JSON log", shapes=TOKENS, write=_json_log, suffix=".log"),
    agent(name="log of a Python dict", shapes=NAMED, write=lambda k, _c: f"DEBUG:agent:settings {dict(pairs(k))!r}\n", suffix=".log"),
    agent(name="log of headers", shapes=TOKENS, write=lambda k, _c: f"DEBUG httpx headers=[(b'host', b'a.example'), (b'authorization', b'Bearer {k.value}')]\n", suffix=".log"),
    agent(name="access log", shapes=TOKENS, write=lambda k, _c: f'10.0.0.1 - - [24/Nov/2026:10:00:00 +0000] "GET /v1?key={k.value} HTTP/1.1" 200 12 "-" "curl/8"\n', suffix=".log"),
    agent(name="log with a list", shapes=BARE, write=lambda k, _c: f"INFO argv=['agent', '--key', '{k.value}', '-v']\n", suffix=".log"),
    agent(name="traceback", shapes=TOKENS, write=_traceback, suffix=".log"),
    agent(name="traceback with locals", shapes=NAMED, write=_traceback_locals, suffix=".log"),
    agent(name="traceback, illegal header", shapes=TOKENS, write=_illegal_header, suffix=".log"),
    agent(name="JSON in JSON", shapes=ANY, write=_nested(2), suffix=".json"),
    agent(name="JSON three deep", shapes=ANY, write=_nested(3), suffix=".json"),
    agent(name="JSON four deep", shapes=NAMED, write=_nested(4), suffix=".json"),
    agent(name="Claude Code, user", shapes=TOKENS, write=lambda k, c: _claude(f"here is the key: {k.value}, use it", c), suffix=".jsonl"),
    agent(name="Claude Code, env in a result", shapes=ANY, write=lambda k, c: _claude_result(_env(k), c), suffix=".jsonl"),
    agent(name="Claude Code, file read", shapes=NAMED, write=lambda k, c: _claude_result(_numbered(_env(k)), c), suffix=".jsonl"),
    agent(name="Claude Code, JSON in a result", shapes=NAMED, write=lambda k, c: _claude_result(json.dumps(dict(pairs(k)), indent=2), c), suffix=".jsonl"),
    agent(name="Claude Code, command", shapes=TOKENS, write=lambda k, c: _claude_command(f'curl -H "Authorization: Bearer {k.value}" https://a.example', c), suffix=".jsonl"),
    agent(name="Claude Code, export", shapes=NAMED, write=lambda k, c: _claude_command(lines(k, "export {}='{}'").replace("\n", " && "), c), suffix=".jsonl"),
    agent(name="Claude Code, allowed command", shapes=TOKENS, write=_allowed, suffix=".json"),
    agent(name="Codex, command", shapes=TOKENS, write=lambda k, c: _codex_call(f'curl -H "x-api-key: {k.value}" https://a.example', c), suffix=".jsonl"),
    agent(name="Codex, export", shapes=NAMED, write=lambda k, c: _codex_call(lines(k, 'export {}="{}"').replace("\n", "; ") + "; run", c), suffix=".jsonl"),
    agent(name="Codex, output", shapes=ANY, write=lambda k, c: _codex_output(_env(k), c), suffix=".jsonl"),
    agent(name="Codex, JSON output", shapes=NAMED, write=lambda k, c: _codex_output(json.dumps(dict(pairs(k))), c), suffix=".jsonl"),
    agent(name="Codex, message", shapes=BARE, write=lambda k, c: _codex({"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"set it to {k.value}\nthen run"}]}, c), suffix=".jsonl"),
    agent(name="gateway log", shapes=TOKENS, write=_gateway, suffix=".log"),
    agent(name="span", shapes=TOKENS, write=_trace, suffix=".json"),
    agent(name="server-sent event", shapes=BARE, write=_stream),
    agent(name="docker inspect", shapes=NAMED, write=_inspect, suffix=".json"),
    agent(name="docker log", shapes=NAMED, write=_docker, suffix=".log"),
    agent(name="node log", shapes=NAMED, write=lambda k, _c: lines(k, "2026-11-24T10:00:00.000000001Z stdout F {}={}") + "\n", suffix=".log"),
    agent(name="workflow log", shapes=NAMED, write=_actions, suffix=".log"),
    agent(name="shell trace", shapes=TOKENS, write=lambda k, _c: f"+ curl -sS -H 'Authorization: Bearer {k.value}' https://a.example\n+ echo done\n", suffix=".log"),
    agent(name="colour around", shapes=TOKENS, write=lambda k, _c: f"\x1b[1;33m{k.name}\x1b[0m=\x1b[32m{k.value}\x1b[0m\n", suffix=".log"),
    agent(name="colour around, JSON", shapes=TOKENS, write=lambda k, _c: json.dumps({"out": f"\x1b[32m{k.value}\x1b[0m\r\n"}) + "\n", suffix=".jsonl"),
    agent(name="asciinema", shapes=TOKENS, write=_cast, suffix=".cast"),
    agent(name="environment of a process", shapes=NAMED, write=lambda k, _c: f"HOME=/root\0{lines(k)}\0TERM=xterm\0".replace("\n", "\0"), suffix=".bin"),
    agent(name="box of a terminal", shapes=BARE, write=lambda k, _c: f"\u256d\u2500\u2500\u256e\n\u2502 Key: {k.value} \u2502\n\u2570\u2500\u2500\u256f\n"),
    agent(name="chat export", shapes=BARE, write=lambda k, c: json.dumps([{"type": "message", "user": f"U{c.upper(10)}", "text": f"try `{k.value}` or <https://a.example|this>", "ts": "1790000000.000100"}]), suffix=".json"),
)  # fmt: skip
"""One line each; a table that is read by its names."""
