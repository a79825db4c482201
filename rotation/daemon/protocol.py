"""What the resident process is asked and answers, version 1: a line of JSON each way, and behind an answer the values as they are.

Whoever asks starts for one question, so this module and `client` import little, and their values are named tuples (ADR 0020).
"""

import binascii
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

VERSION = 1
LARGEST = 1 << 18
"""Bytes of a question, its line end included."""
MOST_IDS = 256
MOST_VALUES = 512
LARGEST_VALUE = 1 << 16
"""Bytes of a value that may be asked about."""
_LONGEST_NAME = 256
PURPOSES = ("helper", "openclaw", "env")
"""What a value may be taken for: the forms of `keysweep resolve`."""
REFUSED, BUSY, MALFORMED, UNAVAILABLE, FAILED = "refused", "busy", "malformed", "unavailable", "failed"
"""Why there is no answer."""


class MalformedError(Exception):
    """Bytes that are no question, or no answer, of this protocol."""


class Resolve(NamedTuple):
    """An agent asks for its keys."""

    agent: str
    ids: tuple[str, ...]
    """Variables or names of credentials; none for all that the agent is bound to."""
    purpose: str


class Finished(NamedTuple):
    """What a scan says of itself when it ends, for the record."""

    findings: int
    mapped: int
    files: int
    complete: bool


class Known(NamedTuple):
    """A scan asks whose values are, or says that it ended."""

    values: tuple[bytes, ...]
    finished: Finished | None = None


class Status(NamedTuple):
    """Somebody asks whether the process is well."""


Question = Resolve | Known | Status


class Served(NamedTuple):
    """What became of one id: where a value may be had, its length."""

    id: str
    variable: str
    length: int | None


def write_question(question: Question) -> bytes:
    """Return a question as it is sent."""
    match question:
        case Resolve(agent, ids, purpose):
            said: dict[str, object] = {"ask": "resolve", "agent": agent, "ids": ids, "purpose": purpose}
        case Known(values, finished):
            encoded = [binascii.b2a_base64(value, newline=False).decode() for value in values]
            said = {"ask": "known", "values": encoded}
            if finished is not None:
                said["finished"] = finished._asdict()
        case Status():
            said = {"ask": "status"}
    return _line(said)


def read_question(line: bytes) -> Question:
    """Return what is asked.

    Raises:
        MalformedError: it is no question of this version, or asks for too much.
    """
    match _parsed(line):
        case {"v": 1, "ask": "resolve", "agent": str(agent), "ids": [*ids], "purpose": str(purpose)} if (
            purpose in PURPOSES and len(ids) <= MOST_IDS and all(map(_is_name, (agent, *ids)))
        ):
            return Resolve(agent, tuple(dict.fromkeys(map(str, ids))), purpose)
        case {"v": 1, "ask": "known", "values": [*values]} as said if len(values) <= MOST_VALUES:
            return Known(tuple(map(_value, values)), _finished(said.get("finished")))
        case {"v": 1, "ask": "status"}:
            return Status()
        case _:
            raise MalformedError


def write_answer(said: Mapping[str, object]) -> bytearray:
    """Return the line of an answer; values may be put behind it."""
    return bytearray(_line(said))


def write_refusal(why: str, says: str = "", hint: str = "") -> bytearray:
    """Return the answer that there is none."""
    return write_answer({"error": why, "says": says, "hint": hint})


def read_answer(raw: bytes | bytearray) -> tuple[Mapping[str, object], int]:
    """Return the line of an answer, and where the values begin.

    Raises:
        MalformedError: it is no answer of this version.
    """
    end = raw.find(b"\n")
    said = _parsed(bytes(raw[: max(end, 0)]))
    if said["v"] != VERSION:
        raise MalformedError
    return said, end + 1


def read_served(said: Mapping[str, object]) -> tuple[Served, ...]:
    """Return what became of each id.

    Raises:
        MalformedError: the answer does not say.
    """
    served = said.get("served")
    if not isinstance(served, list):
        raise MalformedError
    return tuple(map(_served, served))


def write_served(served: Sequence[Served]) -> bytearray:
    """Return the line of an answer to `Resolve`; the values follow in the same order."""
    return write_answer({"served": [one._asdict() for one in served]})


def _served(one: object) -> Served:
    match one:
        case {"id": str(name), "variable": str(variable), "length": int() | None as length}:
            return Served(name, variable, length)
        case _:
            raise MalformedError


def _line(said: Mapping[str, object]) -> bytes:
    return json.dumps({"v": VERSION, **said}, separators=(",", ":")).encode() + b"\n"


def _parsed(line: bytes) -> Mapping[str, object]:
    try:
        parsed: object = json.loads(line)
    except (ValueError, RecursionError):
        raise MalformedError from None
    if not isinstance(parsed, dict) or type(parsed.get("v")) is not int:  # True and 1.0 are equal to 1, and are not it
        raise MalformedError
    return parsed


def _is_name(candidate: object) -> bool:
    return isinstance(candidate, str) and 0 < len(candidate) <= _LONGEST_NAME


def _value(encoded: object) -> bytes:
    if not isinstance(encoded, str) or not encoded.isascii():
        raise MalformedError
    try:
        value = binascii.a2b_base64(encoded, strict_mode=True)
    except binascii.Error:
        raise MalformedError from None
    if not 0 < len(value) <= LARGEST_VALUE:
        raise MalformedError
    return value


def _finished(said: object) -> Finished | None:
    match said:
        case None:
            return None
        case {"findings": int(findings), "mapped": int(mapped), "files": int(files), "complete": bool(complete)} if all(
            0 <= count < 1 << 53 for count in (findings, mapped, files)
        ):
            return Finished(int(findings), int(mapped), int(files), complete)
        case _:
            raise MalformedError
