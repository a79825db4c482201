"""On which terms a rotation was asked for, and which signed events were delivered already."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; a store is never migrated backwards."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "rotation_terms",
        sa.Column("rotation_id", text, nullable=False, comment="The rotation."),
        sa.Column("policy", text, nullable=False, comment="swap, revoke-first or contain; of a forced rotation."),
        sa.Column(
            "grace_s",
            sa.Integer(),
            nullable=False,
            comment="Seconds that the old key lives on once the new one is current.",
        ),
        sa.Column(
            "agents_ms",
            sa.Integer(),
            nullable=False,
            comment="Milliseconds within which each agent shall hold the new key; longer is recorded.",
        ),
        sa.Column(
            "reference",
            text,
            nullable=False,
            comment="Ticket or incident of the person who asked; empty if not stated.",
        ),
        sa.ForeignKeyConstraint(["rotation_id"], ["rotation.id"], name=op.f("fk_rotation_terms_rotation_id")),
        sa.PrimaryKeyConstraint("rotation_id", name=op.f("pk_rotation_terms")),
        comment="On which terms a rotation was asked for; a rotation without a row has none of its own.",
        sqlite_strict=True,
    )
    op.create_table(
        "delivery",
        sa.Column("sender", text, nullable=False, comment="Name of a file in rotation/incident/triggers."),
        sa.Column(
            "delivery_id",
            text,
            nullable=False,
            comment="The sender's own name of the delivery, or a keyed hash of what was signed.",
        ),
        sa.Column("received_at", text, nullable=False, comment="When it came first."),
        sa.Column(
            "answered_at",
            text,
            nullable=True,
            comment="When all that it led to had ended well; null until then.",
        ),
        sa.Column(
            "answer", text, nullable=False, comment="What it led to, one line a key; empty until it is answered."
        ),
        sa.PrimaryKeyConstraint("sender", "delivery_id", name=op.f("pk_delivery")),
        comment="A signed event that was delivered, so that the same delivery again is answered and not acted on.",
        sqlite_strict=True,
    )
