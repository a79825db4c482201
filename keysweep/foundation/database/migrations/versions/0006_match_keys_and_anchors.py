"""Match-only keys with their uses, and where checkpoints of the ledger were taken to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from keysweep.foundation.database.append_only import forbid_changes

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; a store is never migrated backwards."""
    op.create_table(
        "checkpoint_export",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False, comment="The checkpoint."),
        sa.Column(
            "sink",
            sa.Text(),
            nullable=False,
            comment="Where: a file, an address of syslog, a time-stamping authority.",
        ),
        sa.Column("at", sa.Text(), nullable=False, comment="When."),
        sa.Column(
            "receipt", sa.LargeBinary(), nullable=True, comment="The time-stamp token (RFC 3161) that came back."
        ),
        sa.ForeignKeyConstraint(["seq"], ["checkpoint.seq"], name=op.f("fk_checkpoint_export_seq")),
        sa.PrimaryKeyConstraint("seq", "sink", name=op.f("pk_checkpoint_export")),
        comment="Where a checkpoint was taken to, off this host or to a file.  Rows are added, never changed.",
        sqlite_strict=True,
    )
    op.create_table(
        "match_key",
        sa.Column("id", sa.Text(), nullable=False, comment="Random identifier; stands in the key file."),
        sa.Column("label", sa.Text(), nullable=False, comment="Name that people use."),
        sa.Column(
            "wrapped",
            sa.LargeBinary(),
            nullable=True,
            comment="The fingerprint keys, sealed under the key of the file; null once revoked.",
        ),
        sa.Column(
            "sealed",
            sa.LargeBinary(),
            nullable=True,
            comment="The key of the file, sealed under the store's wrap key; null once revoked.",
        ),
        sa.Column("created_at", sa.Text(), nullable=False, comment="When it was given out."),
        sa.Column(
            "expires_at", sa.Text(), nullable=True, comment="When it ends by itself; bound into both ciphertexts."
        ),
        sa.Column("revoked_at", sa.Text(), nullable=True, comment="When it was ended."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_key")),
        sa.UniqueConstraint("label", name=op.f("uq_match_key_label")),
        comment="Keys that recognise leaked values and open nothing: one row a key file that was given out.",
        sqlite_strict=True,
    )
    op.create_table(
        "match_use",
        sa.Column("id", sa.Text(), nullable=False, comment="Random identifier."),
        sa.Column("key_id", sa.Text(), nullable=False, comment="The match-only key."),
        sa.Column("at", sa.Text(), nullable=False, comment="When."),
        sa.Column("host", sa.Text(), nullable=False, comment="Where it ran, as it says itself."),
        sa.Column("findings", sa.Integer(), nullable=False, comment="Leaked keys that were found."),
        sa.Column("mapped", sa.Integer(), nullable=False, comment="Those that are stored here."),
        sa.ForeignKeyConstraint(["key_id"], ["match_key.id"], name=op.f("fk_match_use_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_use")),
        comment="One use of a match-only key.  Its holder cannot write the ledger: these rows are its word, not proof.",
        sqlite_strict=True,
    )
    forbid_changes(op, "checkpoint_export", "what was exported is append-only")
    forbid_changes(op, "match_use", "the uses of match-only keys are append-only")
