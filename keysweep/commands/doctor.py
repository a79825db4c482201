"""`keysweep doctor`: what works on this machine, and what to do about what does not."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sqlite3
import stat
from dataclasses import asdict, dataclass

import click

from keysweep.commands._invocation import Invocation
from keysweep.commands._table import table
from keysweep.foundation.errors import ExitCode, KeysweepError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    name: str
    ok: bool
    needed: bool
    """Scanning itself needs it."""
    says: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def COMMAND(invocation: Invocation, *, as_json: bool) -> int:  # noqa: N802  the folder's index looks for this name
    """Check git, OCR, PDF libraries, the store and its permissions."""
    checks = [
        _program("git", "repositories", needed=True),
        _program("tesseract", "text in images", needed=False),
        _module("hyperscan", "the matching engine", needed=True),
        _module("PIL", "images (extra: ocr)", needed=False),
        _module("psycopg", "PostgreSQL (extra: rotate)", needed=False),
        _module("httpx2", "providers (extra: rotate)", needed=False),
        _module("weasyprint", "PDF (extra: report)", needed=False),
        _Check(
            name="sqlite",
            ok=sqlite3.sqlite_version_info >= (3, 37),
            needed=True,
            says=f"{sqlite3.sqlite_version}; strict tables need 3.37",
        ),
        _memory(),
        *_daemon(invocation),
        *_store(invocation),
    ]
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        rows = [("ok" if c.ok else "MISSING" if c.needed else "absent", c.name, c.says) for c in checks]
        click.echo(table(("STATE", "WHAT", "SAYS"), rows))
    return ExitCode.DONE if all(check.ok or not check.needed for check in checks) else ExitCode.USAGE


def _memory() -> _Check:
    from keysweep.foundation.hardening import harden, swaps

    held, areas = harden(), swaps()
    swapped = "locked" if held.locked else f"may go to swap on {', '.join(areas)}" if areas else "no swap here"
    advice = "" if held.locked or not areas else "; encrypt it, or set LimitMEMLOCK=infinity"
    dumps = "off" if held.core_dumps_off else "on"
    return _Check(
        name="memory",
        ok=held.core_dumps_off and (held.locked or not areas),
        needed=False,
        says=f"core dumps {dumps}; {swapped}{advice}",
    )


def _program(name: str, purpose: str, *, needed: bool) -> _Check:
    found = shutil.which(name)
    return _Check(name=name, ok=found is not None, needed=needed, says=f"{found or 'not on PATH'}; for {purpose}")


def _module(name: str, purpose: str, *, needed: bool) -> _Check:
    found = importlib.util.find_spec(name) is not None
    return _Check(
        name=name, ok=found, needed=needed, says=f"{'installed' if found else 'not installed'}; for {purpose}"
    )


def _daemon(invocation: Invocation) -> list[_Check]:
    """Ask the daemon whether it is well, where one is named."""
    from pathlib import Path

    from keysweep.rotation.daemon import client

    try:
        if not (where := invocation.settings.daemon.socket):
            return []
        said = client.status(Path(where))
    except KeysweepError as error:
        return [_Check(name="daemon", ok=False, needed=False, says=f"{error.message}; {error.hint or ''}".rstrip("; "))]
    return [_Check(name="daemon", ok=True, needed=False, says=f"answers at {where}, process {said['pid']}")]


def _store(invocation: Invocation) -> list[_Check]:
    try:
        with invocation.vault() as opened:
            found = [_Check(name="store", ok=True, needed=False, says=opened.settings.store.split("@")[-1])]
            key = opened.settings.key_file
            if key.exists():
                mode = stat.S_IMODE(key.stat().st_mode)
                fine = mode == 0o600 and os.access(key.parent, os.W_OK)
                found.append(_Check(name="key file", ok=fine, needed=False, says=f"{key} mode {mode:04o}"))
            return found
    except KeysweepError as error:
        return [_Check(name="store", ok=False, needed=False, says=f"{error.message}; {error.hint or ''}".rstrip("; "))]
