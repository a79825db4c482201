"""`keysweep rotate --event`: read an event and its headers, and answer a delivery."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from keysweep.commands._rotation_targets import Targets
from keysweep.foundation.errors import ExitCode, UsageError
from keysweep.rotation.engine.report import Report
from keysweep.rotation.engine.steps import Outcome
from keysweep.rotation.incident import deliveries
from keysweep.rotation.incident.inbox import Received, take_in
from keysweep.rotation.incident.signatures import LARGEST
from keysweep.rotation.vault.unlock import OpenVault


def read(opened: OpenVault, event: str, headers: Path | None, say: Callable[[str], None]) -> tuple[Received, Targets]:
    """Return what an event is about, and say what is not acted on.

    Raises:
        UnverifiedError: its signature does not hold.
        UsageError: it cannot be read, is no event, or is about no stored key.
    """
    received = take_in(opened, _body(event), _headers(headers) if headers else {})
    earlier = received.delivery
    if earlier is not None and earlier.answered_at is not None:
        say(f"This delivery was answered on {earlier.answered_at:%F %T} UTC.")
        for line in earlier.answer.splitlines():
            say(line)
        return received, Targets()
    if received.strangers and not received.suspects and not received.unseen:
        msg = "the event names a key that is not stored here"
        raise UsageError(msg, hint="end it at its provider; then keysweep keys add, if an agent needs it")
    if received.strangers:
        say(f"{received.strangers} keys of the event are not stored here: nothing is done about them.")
    return received, Targets(suspects=received.suspects)


def unseen(received: Received) -> list[Report]:
    """Return what a person has to look at, as the ends of rotations that did not begin."""
    return [
        Report(credential=received.sender, outcome=Outcome.HALF_WAY, rotation=None, failure=failure)
        for failure in received.unseen
    ]


def answer(opened: OpenVault, received: Received, reports: list[Report], code: ExitCode) -> None:
    """Record what a delivery led to, if all of it has ended well; else it is taken up again when it comes again."""
    earlier = received.delivery
    if code is not ExitCode.DONE or earlier is None or earlier.answered_at is not None:
        return
    said = "\n".join(
        f"{one.credential}: {f'rotation {one.rotation.id[:12]}, {one.outcome.value}' if one.rotation else one.note}"
        for one in reports
    )
    with opened.database.write() as connection:
        deliveries.answer(connection, earlier, said or "no stored key", opened.clock())


def _body(event: str) -> bytes:
    try:
        if event == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        with Path(event).open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        msg = f"cannot read {event}: {error.strerror}"
        raise UsageError(msg) from error


def _headers(path: Path) -> Mapping[str, str]:
    """Read headers: a JSON object, or `Name: value` lines."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read {path}"
        raise UsageError(msg) from error
    try:
        match json.loads(text):
            case dict() as named:
                return {str(name).lower(): str(value) for name, value in named.items()}
            case _:
                pass
    except (ValueError, RecursionError):
        pass
    pairs = [line.partition(":") for line in text.splitlines() if line.strip()]
    if not pairs or any(not colon for _, colon, _ in pairs):
        msg = f"{path} holds no headers: a JSON object, or `Name: value` lines"
        raise UsageError(msg)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
