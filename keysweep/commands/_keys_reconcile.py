"""`keysweep keys reconcile`: the provider's own list of keys against the inventory, both ways."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from keysweep.commands._invocation import Invocation
from keysweep.commands._paint import Paint

if TYPE_CHECKING:
    from datetime import datetime

    from keysweep.rotation.comparison import Difference
    from keysweep.rotation.reconcile import Reconciliation

SCHEMA = "keysweep.dev/reconciliation/v1"
_HEADER = ("WHAT", "CREDENTIAL", "NAME AT PROVIDER", "ID AT PROVIDER", "OWNER THERE", "CREATED", "LAST USED", "DETAIL")
_COLOURS = {"unknown": "red", "gone": "red", "lingers": "yellow", "drifted": "yellow"}


@click.command()
@click.option("--provider", help="Only this provider; every one whose keys can be listed if not stated.")
@click.option("--check", is_flag=True, help="End with 1 if anything differs.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def RECONCILE(invocation: Invocation, provider: str | None, output: str, *, check: bool) -> None:  # noqa: N802
    """Ask providers for their lists of keys and compare them with the inventory, both ways.

    Stored and gone there, there and unknown here, replaced and still accepted, drifted.  Nothing is changed at the
    provider.  Ends with 3 if a list could not be had.
    """
    from keysweep.foundation.errors import ExitCode
    from keysweep.rotation.reconcile import accounts, reconcile

    with invocation.vault() as opened:
        done = [
            reconcile(opened, admin, actor=invocation.actor)
            for admin in accounts(opened, provider.lower() if provider else None)
        ]
    if output == "json":
        click.echo(json.dumps({"schema": SCHEMA, "reconciliations": [_document(one) for one in done]}, indent=2))
    else:
        paint = Paint.of(invocation)
        for number, one in enumerate(done):
            click.echo("\n" * (number > 0) + "\n".join(_lines(one, paint)), color=paint.color)
    for command in dict.fromkeys(filter(None, map(_next, done))):
        click.echo(f"Next: {command}", err=True)
    if any(one.comparison.differences for one in done) and check:
        raise SystemExit(ExitCode.FINDINGS)
    if any(one.failure for one in done):
        raise SystemExit(ExitCode.INCOMPLETE)


def _lines(done: Reconciliation, paint: Paint) -> list[str]:
    title = f"{paint.styled(done.provider, bold=True)}  as {paint.styled(done.account)}  {done.method}"
    if done.failure is not None:
        return [title, f"  {paint.styled(f'not compared: {done.failure}', 'red')}"]
    compared = done.comparison
    said = f"  {len(done.listed)} listed, {compared.stored} stored must be there, {len(compared.pairs)} are stored"
    if not compared.differences:
        return [title, f"{said}; {paint.styled('both agree', 'green')}"]
    rows = [
        (
            paint(one.verdict.value, _COLOURS.get(one.verdict.value, "")),
            f"{one.credential} v{one.version.number}" if one.version else "not stored",
            one.listed.name if one.listed else "",
            one.listed.key_id if one.listed else "",
            one.listed.owner if one.listed else "",
            _day(one.listed.created_at if one.listed else None),
            _day(one.listed.last_used_at if one.listed else None),
            one.detail,
        )
        for one in compared.differences
    ]
    return [title, said, "", paint.table(_HEADER, rows)]


def _next(done: Reconciliation) -> str:
    """Return the one command that helps most."""
    if done.failure is not None:
        return f"keysweep keys show {done.account}"
    for one in done.comparison.differences:
        if one.verdict.value == "unknown":
            return f"keysweep keys add NAME --provider {done.provider} --key-id {one.listed.key_id if one.listed else 'ID'}"
        if one.verdict.value == "gone":
            return f"keysweep keys set {one.credential}"
        if one.verdict.value == "drifted" and one.listed is not None and "not stored" in one.detail:
            return f"keysweep keys set-id {one.credential} {one.listed.key_id}"
    return ""


def _document(done: Reconciliation) -> dict[str, object]:
    from keysweep.foundation.clock import to_text

    return {
        "id": done.id,
        "provider": done.provider,
        "account": done.account,
        "method": done.method,
        "started_at": to_text(done.started_at),
        "finished_at": to_text(done.finished_at),
        "failure": done.failure,
        "listed": len(done.listed),
        "stored": done.comparison.stored,
        "matched": len(done.comparison.pairs),
        "differences": [_difference(one) for one in done.comparison.differences],
    }


def _difference(one: Difference) -> dict[str, object]:
    key = one.listed
    return {
        "verdict": one.verdict.value,
        "credential": one.credential,
        "version": one.version.number if one.version else None,
        "detail": one.detail or None,
        "provider_key_id": key.key_id if key else None,
        "name": key.name if key else None,
        "hint": key.hint if key else None,
        "owner": key.owner if key else None,
        "active": key.active if key else None,
        "created_at": _text(key.created_at if key else None),
        "last_used_at": _text(key.last_used_at if key else None),
        "expires_at": _text(key.expires_at if key else None),
    }


def _day(moment: datetime | None) -> str:
    return f"{moment:%F}" if moment else ""


def _text(moment: datetime | None) -> str | None:
    from keysweep.foundation.clock import to_text

    return to_text(moment) if moment else None
