"""The real OpenClaw: its next model call is on the new key, without a restart.

Not part of the suite: `KEYSWEEP_TEST_OPENCLAW=FOLDER` names where `npm install node@26 openclaw@2026.9.6` was run (750 MB; Node first, for
OpenClaw looks at the version that installs it).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from keysweep.foundation.clock import system_clock
from keysweep.rotation.engine.steps import Outcome
from tests.fakes.agents import eventually
from tests.fakes.canaries import leaks
from tests.fakes.deliveries import free_port, script
from tests.fakes.fixtures import vendors, world
from tests.fakes.places import PLACE, VARIABLE, place
from tests.fakes.stores import World

__all__ = ["vendors", "world"]
INSTALLED = os.environ.get("KEYSWEEP_TEST_OPENCLAW", "")
TOKEN = "gateway-token-for-a-test-only"
pytestmark = pytest.mark.skipif(not INSTALLED, reason="KEYSWEEP_TEST_OPENCLAW names no folder with OpenClaw from npm")


class _Model(BaseHTTPRequestHandler):
    """A model that says ok, and notes with which key it was asked."""

    asked: list[tuple[float, str]]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.asked.append((time.monotonic(), str(self.headers.get("authorization")).removeprefix("Bearer ")))
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        deltas = [({"role": "assistant", "content": "ok"}, None), ({}, "stop")]
        lines = [
            json.dumps({**chunk, "choices": [{"index": 0, "delta": d, "finish_reason": why}]}) for d, why in deltas
        ]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write("".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _configuration(port: int, model: int, resolver: str) -> dict[str, object]:
    reference = {"source": "exec", "provider": "keysweep", "id": VARIABLE}
    cost = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}
    one = {
        "id": "m",
        "name": "m",
        "reasoning": False,
        "input": ["text"],
        "cost": cost,
        "contextWindow": 100_000,
        "maxTokens": 1000,
    }
    provider = {
        "baseUrl": f"http://127.0.0.1:{model}/v1",
        "apiKey": reference,
        "api": "openai-completions",
        "models": [one],
    }
    return {
        "gateway": {
            "mode": "local",
            "port": port,
            "bind": "loopback",
            "auth": {"mode": "token", "token": TOKEN},
            "http": {"endpoints": {"chatCompletions": {"enabled": True}}},
        },
        "secrets": {
            "providers": {"keysweep": {"source": "exec", "command": resolver, "args": [], "passEnv": ["PATH"]}}
        },
        "agents": {"defaults": {"model": {"primary": "fake/m"}}},
        "models": {"mode": "merge", "providers": {"fake": provider}},
    }


def _turn(port: int) -> None:
    body = json.dumps({"model": "openclaw", "messages": [{"role": "user", "content": "hi"}]}).encode()
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", body, headers)
    urllib.request.urlopen(request, timeout=60).close()


def test_the_next_model_call_is_on_the_new_key(world: World, tmp_path: Path) -> None:
    """Within 15 s of the finding; no restart; neither key on the gateway's disk."""
    port, state = free_port(), tmp_path / "state"
    asked: list[tuple[float, str]] = []
    model = ThreadingHTTPServer(("127.0.0.1", 0), type("_Asked", (_Model,), {"asked": asked}))
    threading.Thread(target=model.serve_forever, daemon=True).start()
    exports = " ".join(f"export {name}={value};" for name, value in world.environ.items())
    asking = f"{sys.executable} -m keysweep resolve --agent {PLACE} --format openclaw"
    path = f"export PYTHONPATH={os.environ.get('PYTHONPATH', '')};"
    resolver = script(tmp_path / "resolver", f"{exports} {path} exec {asking}", mode=0o700)
    state.mkdir(mode=0o700)
    configuration = state / "openclaw.json"
    configuration.write_text(json.dumps(_configuration(port, int(model.server_address[1]), resolver)))
    configuration.chmod(0o600)
    found = place(world, "openclaw", {"url": f"ws://127.0.0.1:{port}", "admin": "place-admin"}, admin=TOKEN)
    programs = Path(INSTALLED) / "node_modules" / ".bin"
    environ = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path), "OPENCLAW_STATE_DIR": str(state)}
    gateway = subprocess.Popen(
        [programs / "openclaw", "gateway", "run"],
        env={**environ, "OPENCLAW_CONFIG_PATH": str(configuration)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        eventually(lambda: _ready(port), "the gateway to be ready", seconds=150)
        _turn(port)
        assert asked[-1][1] == world.planted["openai"]
        began = time.monotonic()
        report = found.rotate(forced=True)
        assert report.outcome is Outcome.DONE, report.failure
        _turn(port)
        new = world.current_value("openai")
        assert asked[-1][1] == new != world.planted["openai"]
        assert gateway.poll() is None
        took = asked[-1][0] - began
        sys.stderr.write(f"finding to next model call: {took:.2f} s ({system_clock():%F})\n")
        assert took < 15
        assert leaks(state, [new, world.planted["openai"]]) == []
    finally:
        os.killpg(gateway.pid, 15)
        gateway.wait(30)
        model.shutdown()
        model.server_close()


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return int(answer.status) == 200
    except OSError:
        return False
