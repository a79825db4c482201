"""A stand-in for OpenClaw's gateway, for those without its 750 MB: protocol 4 over WebSocket, an exec secret provider, and model turns.

Its answers are those that the gateway 2026.9.6 was seen to give: a reload whose resolver fails ends with `ok: true` and a warning, and
the value from before stays in use.  `python -m samples.agents.openclaw_gateway --port N --token-file F --id ID --model URL -- RESOLVER...`
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

_RESOLVE_S = 5.0


class Gateway:
    """One gateway with one secret reference.

    Args:
        token: what callers must show.
        resolver: program and arguments of the exec provider.
        reference: id that it asks for.
        model: address of a model server; a turn asks it for its models.
        environ: of the resolver.
    """

    def __init__(
        self, token: str, resolver: list[str], reference: str, model: str, environ: Mapping[str, str] | None = None
    ) -> None:
        self._token, self._resolver, self._reference, self._model = token, resolver, reference, model
        self._environ = dict(os.environ if environ is None else environ)
        self.value: str | None = None
        """In memory only, as the gateway's snapshot is."""
        self.reloads = 0

    def listen(self, port: int) -> Server:
        """Resolve, then listen."""
        self._resolve()
        return serve(self._speak, "127.0.0.1", port, compression=None)

    def turn(self) -> int:
        """Let the model be called with the value of the snapshot; return its status."""
        request = urllib.request.Request(f"{self._model}/v1/models", headers={"Authorization": f"Bearer {self.value}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def _resolve(self) -> int:
        """Take a new snapshot; return the number of owners that keep what they had."""
        question = {"protocolVersion": 1, "provider": "keysweep", "ids": [self._reference]}
        try:
            done = subprocess.run(
                self._resolver,
                input=json.dumps(question).encode(),
                capture_output=True,
                env=self._environ,
                timeout=_RESOLVE_S,
                check=True,
            )
            self.value = str(json.loads(done.stdout)["values"][self._reference])
        except (OSError, subprocess.SubprocessError, ValueError, KeyError):
            return 1
        return 0

    def _speak(self, line: ServerConnection) -> None:
        challenge = {"nonce": secrets.token_hex(8), "ts": int(time.time() * 1000)}
        known = False
        try:
            line.send(json.dumps({"type": "event", "event": "connect.challenge", "payload": challenge}))
            for raw in line:
                request = json.loads(raw)
                if not known:
                    known, answer = self._connect(request)
                else:
                    answer = self._answer(request["method"])
                line.send(json.dumps({"type": "event", "event": "tick", "payload": {}}))
                line.send(json.dumps({"type": "res", "id": request["id"], **answer}))
                if not known:
                    line.close(1008, "unauthorized")
        except ConnectionClosed:
            return

    def _connect(self, request: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        params = request.get("params", {})
        if request.get("method") != "connect" or not params.get("minProtocol", 0) <= 4 <= params.get("maxProtocol", 0):
            return False, _refusal("INVALID_REQUEST", "PROTOCOL_MISMATCH")
        if params.get("auth", {}).get("token") != self._token:
            return False, _refusal("INVALID_REQUEST", "AUTH_TOKEN_MISMATCH")
        helper = params["client"]["id"] == "gateway-client" and params["client"]["mode"] == "backend"
        self._scopes = (
            params.get("scopes", []) if helper else []
        )  # without a device only a local helper keeps its scopes
        hello = {"type": "hello-ok", "protocol": 4, "server": {"version": "2026.9.6"}, "auth": {"scopes": self._scopes}}
        return True, {"ok": True, "payload": hello}

    def _answer(self, method: str) -> dict[str, Any]:
        if method == "secrets.reload" and "operator.admin" in self._scopes:
            self.reloads += 1
            return {"ok": True, "payload": {"ok": True, "warningCount": self._resolve()}}
        if method == "agent" and "operator.admin" in self._scopes:
            return {"ok": True, "payload": {"status": self.turn()}}
        return _refusal("INVALID_REQUEST", "MISSING_SCOPE")


def _refusal(code: str, detail: str) -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "message": detail.lower(), "details": {"code": detail}}}


def main() -> None:
    """Listen until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=18789)
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("--id", required=True, help="what the exec provider is asked for")
    parser.add_argument("--model", required=True, help="address of a model server")
    parser.add_argument("resolver", nargs="+")
    options = parser.parse_args()
    gateway = Gateway(options.token_file.read_text().strip(), options.resolver, options.id, options.model)
    server = gateway.listen(options.port)
    print(f"ws://127.0.0.1:{server.socket.getsockname()[1]}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        time.sleep(2)
        print(f"turn: {gateway.turn()}", flush=True)


if __name__ == "__main__":
    main()
