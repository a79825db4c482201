"""What each row was when it was last written; and text sorts by its bytes on PostgreSQL, as it does on SQLite."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from keysweep.foundation.database.append_only import forbid_changes

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; a store is never migrated backwards."""
    op.create_table(
        "row_state",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False, comment="Counted from 1 without gaps."),
        sa.Column("table_name", sa.Text(), nullable=False, comment="The table."),
        sa.Column("row_key", sa.Text(), nullable=False, comment="The primary key of the row, as a JSON list."),
        sa.Column("digest", sa.LargeBinary(), nullable=True, comment="SHA-256 over the row; null if it was deleted."),
        sa.Column(
            "chain",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 over the chain before, table, key and digest; entries of the ledger name it.",
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_row_state")),
        comment="What each row of the store was when it was last written.  Rows are added, never changed.",
        sqlite_strict=True,
    )
    forbid_changes(op, "row_state", "the statements about rows are append-only")
    if op.get_bind().dialect.name == "postgresql":
        _sort_by_bytes()


def _sort_by_bytes() -> None:
    """Give every column of text the collation C; a later migration states it for its own columns."""
    found = op.get_bind().execute(
        sa.text(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
        )
    )
    for table, column in found.all():
        op.execute(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" TYPE text COLLATE "C"')
