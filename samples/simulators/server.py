"""The HTTP side of the simulators: routes, faults on demand, state that survives a kill.

Control, on the same port: `POST /_control/seed {vendor, name, admin, owner}` makes a key and returns its value once;
`POST /_control/faults {vendor, fault, method, path, count, seconds, status, body}`; `POST /_control/propagation {vendor, seconds}`;
`POST /_control/limit {vendor, keys}` (null for the vendor's own limit); `POST /_control/end {vendor, id}` ends a key as a person does
in the vendor's console;
`GET /_control/state`.
Each vendor is served under `/VENDOR/...`; those whose requests cannot be mistaken for another's also at the root.
Faults: `lose-answer` (acts, then closes the connection), `fail-after` (acts, then 500), `busy` (429 with Retry-After, does nothing),
`slow` (waits, then acts), `status` (answers that status, does nothing), `ignore` (does nothing, answers as if it had),
`garbage` (acts, then answers a page that is not the vendor's).
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import json
import os
import socket
import sys
import threading
import time
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from samples.simulators import Answer, Call, Key, State, Vendor, digest

_FOLDER = Path(__file__).parent
_SUPPORT = {"__init__", "__main__", "server"}
_LARGEST = 1 << 20
_PATIENCE_S = 2.0
"""How long a connection may take to end when the server does."""


def vendors() -> tuple[Vendor, ...]:
    """Return the simulated vendors, by name of their file; one file may play several."""
    names = sorted(path.stem for path in _FOLDER.glob("*.py") if path.stem not in _SUPPORT)
    files = [importlib.import_module(f"samples.simulators.{name}") for name in names]
    return tuple(vendor for file in files for vendor in getattr(file, "VENDORS", None) or (file.VENDOR,))


class Simulator(ThreadingHTTPServer):
    """All vendors on one port of this machine.

    Args:
        port: 0 for any that is free.
        state_file: where state is kept; None keeps it in memory.
    """

    daemon_threads = True

    def __init__(self, port: int, state_file: Path | None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.vendors = vendors()
        self.lock = threading.RLock()
        self.faults: dict[str, list[dict[str, Any]]] = {}
        self._served: dict[threading.Thread, socket.socket] = {}
        self._state_file = state_file
        self.states = self._load()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away, as an agent does that is restarted while it waits."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, for as long as its client keeps it."""
        self._served[threading.current_thread()] = request
        try:
            super().process_request_thread(request, client_address)
        finally:
            del self._served[threading.current_thread()]

    def server_close(self) -> None:
        """Stop, and let go of the connections that clients keep: nothing is left to the garbage collector."""
        super().server_close()
        served = dict(self._served)
        for request in served.values():
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
        for thread in served:
            thread.join(_PATIENCE_S)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def seed(self, vendor: str, name: str, *, admin: bool, owner: str, status: str = "active") -> dict[str, str]:
        """Make a key as a person would in the vendor's console, and return its id and value."""
        made_by = next(v for v in self.vendors if v.name == vendor)
        value = made_by.new_value(admin=admin)
        key = Key(
            id=made_by.id_from(value) if made_by.id_from else made_by.new_id(),
            name=name,
            digest=digest(value),
            hint=f"{value[:14]}...{value[-4:]}",
            owner=owner,
            status=status,
            admin=admin,
            created_at=int(time.time()),
        )
        with self.lock:
            made_by.seeded(self.states[vendor], key, value)
            self.states[vendor].keys[key.id] = key
            self.save()
        return {"id": key.id, "value": value}

    def end(self, vendor: str, key_id: str) -> None:
        """End a key as a person would in the vendor's console."""
        with self.lock:
            key = self.states[vendor].keys[key_id]
            key.status, key.ended_at = "deleted", time.time()
            self.save()

    def save(self) -> None:
        """Write the state in one step, so that a kill leaves the old or the new one."""
        if self._state_file is None:
            return
        temporary = self._state_file.with_suffix(".new")
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self.snapshot(), file)
        temporary.replace(self._state_file)

    def snapshot(self) -> dict[str, Any]:
        """Return everything that the vendors know; no value among it."""
        return {name: asdict(state) for name, state in self.states.items()}

    def _load(self) -> dict[str, State]:
        states = {vendor.name: State() for vendor in self.vendors}
        if self._state_file is not None and self._state_file.exists():
            for name, kept in json.loads(self._state_file.read_text()).items():
                keys = {key_id: Key(**key) for key_id, key in kept["keys"].items()}
                states[name] = State(**{**kept, "keys": keys})
        return states


class _Handler(BaseHTTPRequestHandler):
    server: Simulator
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        """Say nothing: a request line could hold a key."""

    def _serve(self) -> None:
        target = urlsplit(self.path)
        raw = self.rfile.read(min(int(self.headers.get("content-length") or 0), _LARGEST))
        body = _fields(raw, self.headers.get("content-type") or "")
        if target.path.startswith("/_control/"):
            self._send(self._control(target.path.removeprefix("/_control/"), body))
            return
        call = Call(
            method=self.command,
            path=target.path,
            query=dict(parse_qsl(target.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            now=time.time(),
        )
        self._vendor(call)

    def _vendor(self, call: Call) -> None:
        first, _, rest = call.path.removeprefix("/").partition("/")
        vendor = next((vendor for vendor in self.server.vendors if vendor.name == first), None)
        if vendor is not None:
            call = replace(call, path=f"/{rest}")
        else:
            vendor = next((vendor for vendor in self.server.vendors if vendor.serves(call)), None)
        if vendor is None:
            self._send(Answer(404, {"error": "no vendor has this path"}))
            return
        fault = self._fault(vendor.name, call)
        kind = fault.get("fault")
        if kind == "busy":
            self._send(Answer(429, {"error": "busy"}), {"retry-after": str(fault.get("seconds", 1))})
            return
        if kind == "status":
            self._send(Answer(int(fault["status"]), fault.get("body", {"error": "injected"})))
            return
        if kind == "slow":
            time.sleep(float(fault.get("seconds", 1)))
        with self.server.lock:
            state = self.server.states[vendor.name]
            answer = vendor.answer(copy.deepcopy(state) if kind == "ignore" else state, call)
            if call.method != "GET":
                self.server.save()
        match kind:
            case "lose-answer":
                self.close_connection = True
            case "fail-after":
                self._send(Answer(500, {"error": "internal"}))
            case "garbage":
                self._send(Answer(200, "<html>gateway</html>"))
            case _:
                self._send(answer)

    def _fault(self, vendor: str, call: Call) -> dict[str, Any]:
        """Take the next fault that is set for this kind of call; empty if none is."""
        with self.server.lock:
            for fault in self.server.faults.get(vendor, []):
                if (
                    fault["count"] > 0
                    and fault.get("method", "POST") == call.method
                    and fault.get("path", "") in call.path
                ):
                    fault["count"] -= 1
                    return fault
        return {}

    def _control(self, path: str, body: dict[str, Any]) -> Answer:
        with self.server.lock:
            match self.command, path:
                case "POST", "seed":
                    made = self.server.seed(
                        body["vendor"],
                        body["name"],
                        admin=bool(body.get("admin")),
                        owner=body.get("owner", ""),
                        status=body.get("status", "active"),
                    )
                    return Answer(200, made)
                case "POST", "end":
                    self.server.end(body["vendor"], body["id"])
                    return Answer(200, {})
                case "POST", "faults":
                    self.server.faults.setdefault(body["vendor"], []).append(dict(body))
                    return Answer(200, {})
                case "POST", "propagation":
                    self.server.states[body["vendor"]].propagation_s = float(body["seconds"])
                    return Answer(200, {})
                case "POST", "limit":
                    self.server.states[body["vendor"]].limit = body["keys"]
                    return Answer(200, {})
                case "GET", "state":
                    return Answer(200, self.server.snapshot())
                case _:
                    return Answer(404, {})

    def _send(self, answer: Answer, headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(answer.body).encode() if answer.body is not None else b""
        self.send_response(answer.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)


def _fields(raw: bytes, kind: str) -> dict[str, Any]:
    """Return the object or the form that a request carries; empty for anything else."""
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        is_form = kind.startswith("application/x-www-form-urlencoded")
        body = dict(parse_qsl(raw.decode(errors="replace"))) if is_form else {}
    return body if isinstance(body, dict) else {}
