"""The one command that goes on from how a rotation stands: said by `rotate`, by its list of open ones, and by the report."""

from __future__ import annotations

from keysweep.rotation.engine.steps import Outcome


def next_command(outcome: Outcome, *, credential: str, rotation_id: str) -> str:
    """Return the command; empty where nothing is left to do."""
    match outcome:
        case Outcome.DONE:
            return ""
        case Outcome.ROLLED_BACK:
            return f"keysweep rotate {credential} --yes"
        case Outcome.CONTAINED:
            return f"keysweep keys show {credential}"
        case Outcome.WAITING:
            return "keysweep rotate --due"
        case Outcome.HALF_WAY:
            return f"keysweep rotate --resume {rotation_id[:12]}"
