"""How a rotation looks on a terminal: one line a step, in milliseconds since it was accepted."""

from __future__ import annotations

from collections.abc import Mapping

from keysweep.commands._paint import Paint
from keysweep.foundation.clock import from_text
from keysweep.foundation.errors import ExitCode
from keysweep.rotation.engine import next_command as goes_on
from keysweep.rotation.engine.breaker import StillLeakingError
from keysweep.rotation.engine.journal import RotationEvent
from keysweep.rotation.engine.plan import NotPossibleError
from keysweep.rotation.engine.report import Report
from keysweep.rotation.engine.steps import Outcome, Phase, Result

_LIMIT_S = 60
_SAYS = {
    "prepare": "journal, vault and administering key are ready",
    "mint": "new key minted at the provider, answer sealed",
    "seal": "new version sealed in the vault",
    "set-value": "new value set at the provider",
    "take-standby": "sealed standby switched on at the provider",
    "verify-new": "provider accepts the new key",
    "contain": "old key switched off at the provider",
    "stage": "staged for the agents",
    "activate": "agents asked to take it",
    "attest": "agents hold the new key",
    "free-slot": "there is room for the new key",
    "roll": "value swapped at the provider, answer sealed",
    "grace": "the grace of the old key is over",
    "promote": "new version is current, old value left the vault",
    "revoke": "old key revoked at the provider",
    "prove-dead": "PROVEN DEAD",
    "shred": "last sealed copy of the old value shredded",
    "roll-back": "returned to the old key",
}


def timeline(report: Report, *, color: bool) -> list[str]:
    """Return the lines of one rotation; every figure is taken from its journal."""
    rotation = report.rotation
    if rotation is None:
        return [f"{report.credential}: {'not rotated' if report.failure else f'nothing to do, {report.note}'}"]
    paint = Paint(color=color)
    lines = [f"{report.credential}  {rotation.mode.value} rotation {rotation.id[:8]}"]
    for event in report.events:
        if event.phase is not Phase.OUTCOME:
            continue
        at = round((event.at - rotation.started_at).total_seconds() * 1000)
        failed = event.result is Result.FAILED
        text = f"failed: {event.detail.get('message', '')}" if failed else _says(event)
        extra = "" if failed else _extra(event.step.value, event.detail)
        colour = "red" if failed else "green" if event.step.value == "prove-dead" else None
        lines.append(f"  {at:>6} ms  " + _strong(paint, f"{event.step.value:<12}", colour) + f"  {text}{extra}")
    lines.append(_total(report, paint))
    if report.note:
        lines.append(f"  {report.note}")
    if report.unknown:
        lines.append("  " + _strong(paint, "unknown keys at the provider since the leak:", "yellow"))
        lines += [f"    {key}" for key in report.unknown]
    return lines


def exit_code(reports: list[Report]) -> ExitCode:
    """Return the exit code of several rotations: the worst."""
    outcomes = {report.outcome for report in reports}
    refused = {report.failure.exit_code for report in reports if report.rotation is None and report.failure}
    if outcomes & {Outcome.HALF_WAY, Outcome.CONTAINED}:
        return next(iter(refused)) if len(reports) == 1 and refused else ExitCode.HALF_WAY
    return ExitCode.ROLLED_BACK if Outcome.ROLLED_BACK in outcomes else ExitCode.DONE


def next_command(report: Report) -> str | None:
    """Return the one command that goes on from a rotation that is not done."""
    if report.rotation is None and report.failure:
        return report.failure.hint
    if report.rotation is None or report.outcome in {Outcome.DONE, Outcome.WAITING}:
        return None
    if isinstance(report.failure, NotPossibleError | StillLeakingError):
        return report.failure.hint
    if report.outcome is Outcome.ROLLED_BACK and not report.failure:
        return None
    return goes_on.next_command(report.outcome, credential=report.credential, rotation_id=report.rotation.id)


def _total(report: Report, paint: Paint) -> str:
    seconds = (report.events[-1].at - report.rotation.started_at).total_seconds() if report.rotation else 0.0
    match report.outcome:
        case Outcome.DONE:
            return "  " + _strong(paint, f"done in {seconds:.2f} s of {_LIMIT_S} s", "green")
        case Outcome.ROLLED_BACK:
            return "  " + _strong(paint, "rolled back: the old key still works", "yellow")
        case Outcome.CONTAINED:
            return "  " + _strong(paint, "contained, not proven dead: see for yourself at the provider", "red")
        case Outcome.WAITING:
            until = f"the old key lives on until {report.waits_until:%F %T} UTC"
            return "  " + _strong(paint, f"waiting: {until}; then keysweep rotate --due", "yellow")
        case Outcome.HALF_WAY:
            return "  " + _strong(paint, "stopped half way: a person must act", "red")


def _says(event: RotationEvent) -> str:
    handed_in = event.detail.get("handed_in")
    if isinstance(handed_in, str):
        return f"new key that a person made, handed in {from_text(handed_in):%F %T} UTC"
    return _SAYS[event.step.value]


def _extra(step: str, detail: Mapping[str, str | int | bool | None]) -> str:
    match step:
        case "attest":
            how = ", ".join(f"{k.removeprefix('agent.')}: {v}" for k, v in detail.items() if k.startswith("agent."))
            return f" ({how})" if how else " (none runs)"
        case "prove-dead":
            by_hand = ", ended by hand" if detail.get("by") == "hand" else ""
            return f": {detail['code']}, {detail['probes']} probes{by_hand}"
        case _:
            return ""


def _strong(paint: Paint, text: str, colour: str | None) -> str:
    return paint.styled(text, colour, bold=colour is not None)
