"""The simulated vendors in a thread of the test, with the questions that tests ask of them directly."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from samples.simulators import Answer, Call, Key, State, Vendor, accepted
from samples.simulators.server import Simulator
from tests.fakes import classes

OWNER = "user-orders"


@dataclass(frozen=True)
class Planted:
    """A key that a person made in the vendor's console."""

    id: str
    value: str


class Vendors:
    """One set of simulated vendors."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.url = simulator.url

    def seed(self, vendor: str, name: str, *, admin: bool = False, status: str = "active") -> Planted:
        """Make a key."""
        made = self._simulator.seed(vendor, name, admin=admin, owner=OWNER, status=status)
        return Planted(id=made["id"], value=made["value"])

    def end(self, vendor: str, key_id: str) -> None:
        """End a key as a person does in the vendor's console."""
        self._simulator.end(vendor, key_id)

    def fault(
        self, vendor: str, fault: str, *, method: str = "POST", path: str = "", count: int = 1, **more: object
    ) -> None:
        """Let the next *count* calls of that kind go wrong."""
        rule = {"fault": fault, "method": method, "path": path, "count": count, **more}
        self._simulator.faults.setdefault(vendor, []).append(rule)

    def answer(
        self,
        vendor: str,
        method: str,
        path: str,
        status: int,
        body: object,
        *,
        query: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Let every call of that kind, and with that in its query, be answered so, and do nothing."""

        def answering(known: Vendor) -> Vendor:
            def answer(state: State, call: Call) -> Answer:
                hit = call.method == method and path in call.path and query.items() <= call.query.items()
                return Answer(status, body) if hit else known.answer(state, call)

            return replace(known, answer=answer) if known.name == vendor else known

        self._simulator.vendors = tuple(answering(known) for known in self._simulator.vendors)

    def watch(self, seen: Callable[[Call], None]) -> None:
        """Call *seen* with each request before the vendor acts on it."""

        def watched(vendor: Vendor) -> Vendor:
            def answer(state: State, call: Call) -> Answer:
                seen(call)
                return vendor.answer(state, call)

            return replace(vendor, answer=answer)

        self._simulator.vendors = tuple(watched(vendor) for vendor in self._simulator.vendors)

    def heal(self) -> None:
        """Take every fault back."""
        self._simulator.faults.clear()

    def propagation(self, vendor: str, seconds: float) -> None:
        """Let an ended key be accepted for so long."""
        self._simulator.states[vendor].propagation_s = seconds

    def limit(self, vendor: str, keys: int) -> None:
        """Let the vendor allow only so many live keys."""
        self._simulator.states[vendor].limit = keys

    def extra(self, vendor: str) -> dict[str, Any]:
        """Return what else the vendor keeps; what a test writes there is so."""
        return self._simulator.states[vendor].extra

    def keys(self, vendor: str) -> tuple[Key, ...]:
        """Return every key that is no administering one, ended ones too."""
        return tuple(key for key in self._simulator.states[vendor].keys.values() if not key.admin)

    def live(self, vendor: str) -> set[str]:
        """Return the ids of the keys that are switched on."""
        return {key.id for key in self.keys(vendor) if key.status == "active"}

    def minted(self, vendor: str) -> int:
        """Return how many keys were made through the API."""
        return sum(key.name.startswith("keysweep-") for key in self.keys(vendor))

    def id_of(self, vendor: str, value: str) -> str | None:
        """Return the id of the key with that value."""
        key = self._simulator.states[vendor].by_value(value)
        return key.id if key else None

    def accepts(self, vendor: str, value: str) -> bool:
        """Ask over HTTP, as an agent would."""
        headers = (
            {"x-api-key": value, "anthropic-version": "2023-06-01"}
            if vendor == "anthropic"
            else {"Authorization": f"Bearer {value}"}
        )
        try:
            urllib.request.urlopen(urllib.request.Request(f"{self.url}/v1/models", headers=headers), timeout=10).close()
        except urllib.error.HTTPError as error:
            with error:
                return error.code != 401
        return True

    def served(self, vendor: str, path: str, value: str) -> int:
        """Return the status of a GET with a key, under the vendor's own name."""
        request = urllib.request.Request(f"{self.url}/{vendor}{path}", headers={"Authorization": f"Bearer {value}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def asked(self, vendor: str, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
        """Return status and body of a GET, under the vendor's own name."""
        request = urllib.request.Request(f"{self.url}/{vendor}{path}", headers=dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def knows(self, vendor: str, value: str) -> bool:
        """Ask the simulator itself whether it accepts a key."""
        state = self._simulator.states[vendor]
        return accepted(state, state.by_value(value), time.time())

    def refuse_admins(self, vendor: str) -> Callable[[], None]:
        """Let the vendor refuse every administering key; return what takes that back."""
        admins = [key for key in self._simulator.states[vendor].keys.values() if key.admin]
        for key in admins:
            key.status = "inactive"

        def back() -> None:
            for key in admins:
                key.status = "active"

        return back


@contextmanager
def running_vendors() -> Iterator[Vendors]:
    """Serve for the length of a block."""
    simulator = Simulator(0, None)
    simulator.vendors = (*simulator.vendors, *classes.vendors())
    simulator.states |= {name: State() for name in classes.KINDS}
    simulator.states["fake_slots"].limit = 2
    thread = threading.Thread(target=simulator.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Vendors(simulator)
    finally:
        simulator.shutdown()
        simulator.server_close()
        thread.join()
