"""Reads the arguments of a plain `keysweep scan` without click, whose import costs a quarter of a small scan.

Only what is certain is read here.  On anything else, right or wrong, it gives up, and click reads the same arguments: help, errors,
completion, options shared by all commands and values from the environment are click's alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from keysweep.commands._scan_options import FLAGS, Flag, ScanOptions, Takes

_COMMAND = "scan"
_OF_CLICK = ("KEYSWEEP_SCAN_", "_KEYSWEEP")
"""Beginnings of variables that only click reads: an option's value, a request for completion."""
_BARE = {name: (flag, True) for flag in FLAGS for name in flag.names if flag.takes is Takes.NOTHING} | {
    name: (flag, name == flag.names[0])
    for flag in FLAGS
    for name in (flag.names[0], f"--no-{flag.names[0].removeprefix('--')}")
    if flag.takes is Takes.NOTHING_OR_ITS_OPPOSITE
}
_VALUED = {name: flag for flag in FLAGS for name in flag.names if name not in _BARE}


def read(arguments: Sequence[str], environ: Mapping[str, str]) -> ScanOptions | None:
    """Return what a scan is asked for; None if it is not for this reader to say."""
    if arguments[:1] != [_COMMAND] or any(name.startswith(_OF_CLICK) for name in environ):
        return None
    values: dict[str, object] = {}
    targets: list[str] = []
    rest = iter(arguments[1:])
    for argument in rest:
        if not argument.startswith("-") or argument == "-":
            targets.append(argument)
        elif argument in _BARE:
            flag, values[flag.field] = _BARE[argument]
        else:
            name, assigned, value = argument.partition("=")
            if name not in _VALUED or (assigned and not name.startswith("--")):
                return None
            if not assigned:
                value = next(rest, "-")
            if not value or value.startswith("-") or not _put(values, _VALUED[name], value):
                return None
    return ScanOptions(targets=tuple(targets), **values)  # type: ignore[arg-type]  # the table names the fields


def _put(values: dict[str, object], flag: Flag, value: str) -> bool:
    """Note an option's value; return False if it is not one."""
    match flag.takes:
        case Takes.TEXTS:
            before = values.get(flag.field, ())
            values[flag.field] = (*before, value)  # type: ignore[misc]  # only texts were put there
            return True
        case Takes.NUMBER:
            if not (value.isascii() and value.isdigit() and len(value) <= 9):
                return False
            values[flag.field] = number = int(value)
            return flag.at_least <= number <= (flag.at_most or number)
        case Takes.CHOICE if value not in flag.choices:
            return False
    values[flag.field] = Path(value) if flag.takes is Takes.PATH else value
    return True
