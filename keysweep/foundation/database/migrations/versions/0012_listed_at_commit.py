"""A new credential is copied into `listed` when its transaction ends: once, with its value and profile, instead of three times."""

from __future__ import annotations

from alembic import op

from keysweep.foundation.database.listed import fill_at_commit

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put the trigger off, where the engine can."""
    fill_at_commit(op)
