"""A history that the engine looks back at, written down without living through it."""

from __future__ import annotations

from datetime import timedelta

from keysweep.rotation.engine import journal
from keysweep.rotation.engine.journal import RotationRecord
from keysweep.rotation.engine.steps import Mode, Outcome
from tests.fakes.stores import World


def leaked_thrice(world: World, kind: str = "openai") -> None:
    """Let a credential have been rotated three times in the last half hour because it had leaked."""
    with world.open() as opened, opened.database.write() as connection:
        for minutes in (30, 20, 10):
            identifier, began = f"earlier-{minutes}", opened.clock() - timedelta(minutes=minutes)
            journal.begin(
                connection,
                RotationRecord(
                    id=identifier,
                    credential_id=world.credential(kind).id,
                    old_number=1,
                    new_number=1,
                    mode=Mode.FORCED,
                    steps=(),
                    reason="leaked",
                    incident_id=None,
                    tag=identifier,
                    started_at=began,
                    finished_at=None,
                    outcome=None,
                ),
            )
            journal.finish(connection, identifier, Outcome.DONE, began)
