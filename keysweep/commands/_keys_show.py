"""`keysweep keys show`: everything that is known of one credential, and never a value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from keysweep.commands._invocation import Invocation
from keysweep.commands._keys_list import policy_words
from keysweep.commands._paint import Paint, ago

if TYPE_CHECKING:
    from keysweep.rotation.credential import Version
    from keysweep.rotation.details import Details

SCHEMA = "keysweep.dev/credential/v1"
_VERSIONS = ("VERSION", "STATE", "KEY", "FINGERPRINT", "ID AT PROVIDER", "CREATED (UTC)", "DEAD SINCE (UTC)")
_STATES = {"current": "green", "standby": "cyan", "pending": "cyan", "retiring": "yellow"}


@click.command()
@click.argument("name")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def SHOW(invocation: Invocation, name: str, output: str) -> None:  # noqa: N802  a value for `keys.py`
    """One credential: whose, how old, who gets it, its versions.  Fingerprints and dates, never a value."""
    from keysweep.rotation.details import details

    with invocation.vault() as opened:
        found = details(opened, name)
    if output == "json":
        click.echo(json.dumps(_document(found), indent=2))
        return
    paint = Paint.of(invocation)
    click.echo("\n".join(_lines(found, paint)), color=paint.color)
    if not invocation.quiet and (command := _next(found)):
        click.echo(f"Next: {command}", err=True)


def _lines(found: Details, paint: Paint) -> list[str]:
    row, profile = found.row, found.profile
    words, colour = policy_words(row)
    title = f"{paint.styled(row.name, bold=True)}  {paint.styled(row.provider)}"
    lines = [title + ("  administers others" if row.is_admin else ""), ""]
    limit = row.standing.limit
    facts = [
        ("Kind", row.kind or found.kind or "not known"),
        ("Owner", row.owner or "nobody stated"),
        ("Environment", row.environment or "not stated"),
        ("Agents", ", ".join(f"{agent} as {variable}" for agent, variable in found.agents) or "none"),
        ("Created", f"{row.created_at:%F}"),
        ("In use since", f"{row.since:%F}, {row.age_text}" if row.version else "not in use"),
        ("Last used", _use(found)),
        ("Ends at provider", f"{row.expires_at:%F %R} UTC" if row.expires_at else "not stated"),
        ("Rotation", "guided" if row.rotation == "guided" else f"adapter, class {row.rotation}"),
        ("Runbook", found.runbook),
    ]
    lines += [f"  {_label(paint, name)} {paint.styled(text)}" for name, text in facts]
    named = f"{limit.max_age_days} days ({limit.source.value}{f' {limit.policy_class}' if limit.policy_class else ''})"
    lines.append(f"  {_label(paint, 'Policy')} {named}, {paint.styled(words, colour)}")
    behind = (
        f"{limit.risk_analysis}, approved by {limit.approved_by} on {limit.approved_at:%F}" if limit.approved_at else ""
    )
    if behind:
        lines.append(f"  {'':<17} {paint.styled(behind)}")
    if (exemption := row.standing.exemption) is not None:
        said = f"excepted until {exemption.until:%F} by {exemption.approved_by}: {exemption.reason}"
        lines.append(f"  {'':<17} {paint.styled(said, 'yellow')}")
    if row.retired_at is not None:
        said = f"{row.retired_at:%F}: {profile.retired_reason}"
        lines.append(f"  {_label(paint, 'Out of use since')} {paint.styled(said, 'yellow')}")
    rows = [
        (
            f"v{version.ref.number}",
            paint(version.state.value, _STATES.get(version.state.value, "bright_black")),
            str(version.preview),
            version.fingerprint.short,
            version.provider_key_id or "",
            f"{version.created_at:%F %T}",
            f"{version.dead_at:%F %T}" if version.dead_at else "",
        )
        for version in found.versions
    ]
    return [*lines, "", paint.table(_VERSIONS, rows)]


def _label(paint: Paint, name: str) -> str:
    return paint.styled(f"{name:<17}", "bright_black")


def _use(found: Details) -> str:
    row = found.row
    if row.last_used_at is None:
        return "not seen"
    by = "as its provider says" if row.last_used_by == "provider" else f"by {row.last_used_by}"
    return f"{row.last_used_at:%F %R} UTC, {ago(row.last_used_at, found.now)}, {by}"


def _next(found: Details) -> str:
    row = found.row
    if row.retired_at is not None:
        return ""
    if row.version is None:
        return f"keysweep keys set {row.name}"
    if row.overdue:
        from keysweep.rotation import provider_catalog

        known = row.provider in provider_catalog.names()
        return f"keysweep rotate {row.name} --plan" if known else f"keysweep keys set {row.name}"
    return "" if row.owner else f"keysweep keys edit {row.name} --owner NAME"


def _document(found: Details) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        **found.row.as_json(),
        "kind": found.row.kind or found.kind or None,
        "runbook": found.runbook,
        "retired_reason": found.profile.retired_reason or None,
        "bindings": [{"agent": agent, "variable": variable} for agent, variable in found.agents],
        "versions": [_version(version) for version in found.versions],
    }


def _version(version: Version) -> dict[str, object]:
    from keysweep.foundation.clock import to_text

    return {
        "version": version.ref.number,
        "state": version.state.value,
        "prefix": version.preview.prefix,
        "length": version.preview.length,
        "fingerprint": version.fingerprint.short,
        "provider_key_id": version.provider_key_id,
        "created_at": to_text(version.created_at),
        "dead_at": to_text(version.dead_at) if version.dead_at else None,
    }
