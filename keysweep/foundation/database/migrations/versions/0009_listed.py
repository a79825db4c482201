"""One table holds what the inventory is filtered and sorted by, also the class, the last use and whether there is a value."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from keysweep.foundation.database.listed import keep_listed

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SHOWN = ("provider", "owner", "environment", "class", "since", "own_days", "retired", "has_value", "credential_id")


def upgrade() -> None:
    """Create and fill the table; its indexes take the place of those on `credential`."""
    for index in ("by_name", "by_provider", "by_age"):
        op.drop_index(f"ix_credential_{index}", table_name="credential")
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "listed",
        sa.Column("credential_id", text, nullable=False, comment="The credential."),
        sa.Column("name", text, nullable=False, comment="As in credential."),
        sa.Column("provider", text, nullable=False, comment="As in credential."),
        sa.Column("owner", text, nullable=False, comment="As in credential."),
        sa.Column("environment", text, nullable=False, comment="As in credential."),
        sa.Column("class", text, nullable=False, comment="As in profile; empty if there is none."),
        sa.Column(
            "used_at",
            text,
            nullable=False,
            comment="The last use as in profile; empty if there is none, which sorts first.",
        ),
        sa.Column("since", text, nullable=False, comment="When the value became current, or was first stored."),
        sa.Column("own_days", sa.Integer(), nullable=True, comment="Age limit of its own."),
        sa.Column("retired", sa.Integer(), nullable=False, comment="1 if it was taken out of use."),
        sa.Column("has_value", sa.Integer(), nullable=False, comment="1 if it has a current version."),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_listed")),
        comment="What the inventory is filtered and sorted by.  A copy that triggers keep, and that verify compares.",
        sqlite_strict=True,
    )
    keep_listed(op)
    for order, first in (
        ("name", ["name"]),
        ("provider", ["provider", "name"]),
        ("age", ["since", "name"]),
        ("used", ["used_at", "name"]),
    ):
        op.create_index(f"ix_listed_by_{order}", "listed", [*first, *(name for name in _SHOWN if name not in first)])
    op.create_index(
        "ix_listed_own_days",
        "listed",
        ["own_days"],
        sqlite_where=sa.text("own_days IS NOT NULL"),
        postgresql_where=sa.text("own_days IS NOT NULL"),
    )
