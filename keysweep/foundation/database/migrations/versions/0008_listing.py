"""A page of a large inventory costs what it shows: each order of the listing is an index that holds what is filtered by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SINCE = sa.text("coalesce(rotated_at, created_at)")


def upgrade() -> None:
    """Create the indexes; a store is never migrated backwards."""
    op.create_index(
        "ix_credential_by_name", "credential", ["name", "retired_at", "provider", "owner", "environment", "id"]
    )
    op.create_index(
        "ix_credential_by_provider", "credential", ["provider", "name", "retired_at", "owner", "environment", "id"]
    )
    op.create_index(
        "ix_credential_by_age", "credential", [_SINCE, "name", "retired_at", "provider", "owner", "environment", "id"]
    )
    op.create_index("ix_binding_credential", "binding", ["credential_id", "agent"])
