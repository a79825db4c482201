"""How an explanation is shown: as a record for programs, and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from keysweep.commands._paint import Paint, ago
from keysweep.foundation.clock import to_text
from keysweep.foundation.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from keysweep.rotation.explanation import Explanation
    from keysweep.rules.model import Rule

Shown = tuple[dict[str, Any], list[str]]
_PLACES = 12
_EXIT = {
    ExitCode.DONE: ("nothing at or above the threshold, and there was something to scan", "nothing"),
    ExitCode.FINDINGS: ("leaked keys at or above --fail-on, or a policy is broken", "keysweep explain FINDING"),
    ExitCode.USAGE: ("the request or the settings are wrong; nothing was done", "read the line that begins with Next"),
    ExitCode.INCOMPLETE: ("nothing to scan, or under --strict not everything was read", "look at what was not read"),
    ExitCode.ROLLED_BACK: ("a rotation failed and was undone; the old key still works", "keysweep rotate NAME"),
    ExitCode.HALF_WAY: ("a rotation stopped half way; a person must act", "keysweep rotate --list"),
    ExitCode.DENIED: ("the store cannot be opened, or somebody may not have this key", "keysweep doctor"),
    ExitCode.INTEGRITY: ("ledger, report or store is not what was written", "keysweep verify"),
    ExitCode.BUG: (
        "a mistake of ours; places in the code are printed, values never",
        "report the lines that were printed",
    ),
    ExitCode.INTERRUPTED: ("stopped by the user; what was done is kept", "the same command again"),
}
_COLOURS = {"current": "red", "standby": "red", "retired": "yellow", "stranger": "yellow"}


def exit_code(number: int, paint: Paint) -> Shown:
    """Explain an exit code.

    Raises:
        UsageError: there is no such code.
    """
    try:
        code = ExitCode(number)
    except ValueError:
        msg = f"keysweep never ends with {number}"
        raise UsageError(msg, hint=f"known: {', '.join(str(code.value) for code in ExitCode)}") from None
    meaning, following = _EXIT[code]
    record = {"kind": "exit-code", "id": number, "name": code.name, "meaning": meaning, "next": following}
    return record, [paint.styled(f"Exit code {number}  {code.name}", bold=True), f"  {meaning}", f"  next  {following}"]


def rule(found: Rule, paint: Paint) -> Shown:
    """Explain a rule."""
    record = {
        "kind": "rule",
        "id": found.id,
        "provider": found.provider,
        "severity": found.severity.value,
        "title": found.title,
        "grants": found.grants,
        "references": list(found.references),
        "next": f"keysweep rules show {found.id}",
    }
    lines = [
        f"{paint.styled(found.id, bold=True)}  rule, {found.severity.value}",
        f"  {paint.styled(found.title)}",
        f"  can   {paint.styled(found.grants)}",
        *(f"  see   {paint.styled(link)}" for link in found.references),
        f"  next  keysweep rules show {found.id}",
    ]
    return record, lines


def key(explained: Explanation, paint: Paint, now: datetime) -> Shown:
    """Explain a leaked or stored key."""
    return _record(explained), list(_lines(explained, paint, now))


def _record(it: Explanation) -> dict[str, Any]:
    finding, credential, version = it.finding, it.credential, it.version
    return {
        "kind": "key",
        "answer": it.answer.value,
        "finding": finding
        and {
            "id": finding.id,
            "rule": finding.rule,
            "severity": finding.severity,
            "fingerprint": str(finding.fingerprint),
            "prefix": finding.preview.prefix,
            "length": finding.preview.length,
            "match": finding.match.value if finding.match else None,
            "certainty": finding.certainty,
            "first_seen": to_text(finding.first_seen),
            "last_seen": to_text(finding.last_seen),
        },
        "credential": credential
        and {
            "name": credential.name,
            "provider": credential.provider,
            "owner": credential.owner,
            "environment": credential.environment,
            "version": version.ref.number if version else None,
            "state": version.state.value if version else None,
            "dead_since": _text(version.dead_at) if version else None,
        },
        "seen": [
            {"place": one.place, "first_seen": to_text(one.first_seen), "last_seen": to_text(one.last_seen)}
            for one in it.sightings
        ],
        "other_findings": [
            {"id": one.id, "version": one.number, "last_seen": to_text(one.last_seen)} for one in it.others
        ],
        "agents": list(it.bound),
        "held_by": [
            {
                "agent": one.agent,
                "host": one.host,
                "version": one.version,
                "method": one.method,
                "attested_at": to_text(one.attested_at),
            }
            for one in it.holders
        ],
        "next": it.next,
    }


def _lines(it: Explanation, paint: Paint, now: datetime) -> Iterator[str]:
    head = it.finding.id if it.finding else it.credential.name if it.credential else ""
    dead = it.version is not None and it.version.dead_at is not None
    yield f"{paint.styled(head, bold=True)}  {paint.styled(_said(it), 'green' if dead else _COLOURS[it.answer], bold=True)}"
    if it.finding:
        yield paint.styled(f"  key   {it.finding.preview}  {it.finding.fingerprint.short}")
        yield paint.styled(f"  rule  {it.finding.rule}, {it.finding.severity}")
    if it.credential:
        facts = [
            it.credential.provider,
            it.credential.environment,
            it.credential.owner and f"owner {it.credential.owner}",
        ]
        number = f" v{it.version.ref.number}" if it.version else ""
        yield paint.styled(f"  is    {it.credential.name}{number}  ({', '.join(fact for fact in facts if fact)})")
    for word, one in zip(("seen", *[""] * _PLACES), it.sightings[:_PLACES], strict=False):
        yield paint.styled(f"  {word:<6}{one.place}  first {_day(one.first_seen)}, last {ago(one.last_seen, now)}")
    if len(it.sightings) > _PLACES:
        yield f"        and in {len(it.sightings) - _PLACES} more places"
    for word, other in zip(("also", *[""] * _PLACES), it.others[:_PLACES], strict=False):
        yield paint.styled(f"  {word:<6}{other.id} is v{other.number} of it, last seen {ago(other.last_seen, now)}")
    held = {one.agent for one in it.holders}
    for one_holder in it.holders:
        yield paint.styled(
            f"  held  by {one_holder.agent} on {one_holder.host}: v{one_holder.version}, "
            f"seen {ago(one_holder.attested_at, now)} ({one_holder.method})"
        )
    for agent in it.bound:
        if agent not in held:
            yield paint.styled(f"  held  by {agent}: not running")
    yield paint.styled(f"  next  {it.next}", bold=True)


def _said(it: Explanation) -> str:
    if it.answer.value == "stranger":
        return "not a stored credential"
    if it.answer.value == "retired":
        dead = it.version.dead_at if it.version else None
        return f"retired, dead since {dead:%Y-%m-%d %H:%M:%SZ}" if dead else "retired, not yet proven dead"
    sure = it.finding and it.finding.match and it.finding.match.value not in {"exact", "part"}
    return (
        f"{it.answer.value}{f', told by {it.finding.match.value}' if sure and it.finding and it.finding.match else ''}"
    )


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _text(moment: datetime | None) -> str | None:
    return to_text(moment) if moment else None
