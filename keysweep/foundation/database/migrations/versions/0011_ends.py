"""Which keys their providers end soon is told from an index of those that end at all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ENDS = sa.text("expires_at IS NOT NULL")


def upgrade() -> None:
    """Create the index; a store is never migrated backwards."""
    op.create_index(
        "ix_credential_expires_at", "credential", ["expires_at"], sqlite_where=_ENDS, postgresql_where=_ENDS
    )
