"""The RPC of OpenClaw's gateway, as far as a reload of its secrets needs it: protocol 4 over WebSocket, with its program as the other way."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keysweep.foundation.secret import Secret
from keysweep.rotation.agents import AgentError
from keysweep.rotation.http import LOOPBACK
from keysweep.version import VERSION

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

DEFAULT_URL = "ws://127.0.0.1:18789"
_PROTOCOL = 4
_OPEN_S = 5.0
_RELOAD_S = 20.0
_CLI_S = 45.0
_LARGEST = 8 << 20
"""Bytes of one frame: the first answer carries a snapshot of the gateway."""
_PASSED = ("PATH", "HOME", "LANG", "OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG_PATH", "OPENCLAW_PROFILE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """How a reload ended."""

    ok: bool
    warnings: int
    """Owners of secrets that keep what they had, or have nothing."""


def reload_by_rpc(url: str, token: Secret) -> Reload:
    """Ask the gateway for `secrets.reload`.

    Raises:
        AgentError: it cannot be reached, refuses, or does not speak the protocol.
    """
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    where = urlsplit(url)
    if where.scheme != "wss" and where.hostname not in LOOPBACK:
        msg = f"{where.hostname} is not called without TLS"
        raise AgentError(msg, hint="name it with wss://")
    until = time.monotonic() + _RELOAD_S
    try:
        with connect(
            url, open_timeout=_OPEN_S, close_timeout=1, max_size=_LARGEST, compression=None, proxy=None
        ) as line:
            _event(line, "connect.challenge", until)
            _call(line, "connect", _introduction(token), until)
            return _outcome(_call(line, "secrets.reload", {}, until))
    except (OSError, TimeoutError, WebSocketException) as error:
        msg = f"the gateway did not answer ({type(error).__name__})"
        raise AgentError(msg, passes=True) from None


def reload_by_cli(program: str, token: Secret) -> Reload:
    """Have the gateway's own program ask for the reload; the token goes by its environment.

    Raises:
        AgentError: the program cannot be run, fails, or answers something else.
    """
    if not Path(program).is_absolute():
        msg = "the setting cli is no absolute path"
        raise AgentError(msg)
    environ = {name: os.environ[name] for name in _PASSED if name in os.environ}
    try:
        done = subprocess.run(
            [program, "secrets", "reload", "--json"],
            env={**environ, "OPENCLAW_GATEWAY_TOKEN": token.reveal_text()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_CLI_S,
            check=False,
        )
        answer: object = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        msg = f"{Path(program).name} secrets reload gave no answer ({type(error).__name__})"
        raise AgentError(msg, passes=True) from None
    if done.returncode != 0:
        msg = f"{Path(program).name} secrets reload ended with {done.returncode}"
        raise AgentError(msg, passes=True)
    return _outcome(answer)


def _introduction(token: Secret) -> Mapping[str, object]:
    """Return the parameters of `connect`: a helper on the gateway's own host, which needs no paired device."""
    return {
        "minProtocol": _PROTOCOL,
        "maxProtocol": _PROTOCOL,
        "client": {"id": "gateway-client", "version": VERSION, "platform": "linux", "mode": "backend"},
        "role": "operator",
        "scopes": ["operator.admin"],
        "caps": [],
        "auth": {"token": token.reveal_text()},
    }


def _call(line: ClientConnection, method: str, params: Mapping[str, object], until: float) -> object:
    """Send one request and return its payload; what else comes meanwhile is passed over."""
    line.send(json.dumps({"type": "req", "id": method, "method": method, "params": params}))
    while True:
        match _frame(line, until):
            case {"type": "res", "id": name, "ok": True, "payload": payload} if name == method:
                return payload
            case {"type": "res", "id": name, "error": {"code": str(code), **more}} if name == method:
                details = more.get("details")
                reason = details.get("code", code) if isinstance(details, dict) else code
                msg = f"the gateway refused {method} ({str(reason)[:40]})"
                raise AgentError(msg, passes=more.get("retryable") is True)
            case _:
                continue


def _event(line: ClientConnection, name: str, until: float) -> None:
    while True:
        match _frame(line, until):
            case {"type": "event", "event": found} if found == name:
                return
            case _:
                continue


def _frame(line: ClientConnection, until: float) -> object:
    raw = line.recv(timeout=max(until - time.monotonic(), 0))
    try:
        frame: object = json.loads(raw)
    except ValueError:
        msg = "the gateway sent what is no JSON"
        raise AgentError(msg) from None
    return frame


def _outcome(answer: object) -> Reload:
    match answer:
        case {"ok": bool(ok), "warningCount": int(warnings)}:
            return Reload(ok=ok, warnings=warnings)
        case _:
            msg = "the gateway's answer to the reload is not what it documents"
            raise AgentError(msg)
