"""The tables of the key ring: generations of the master key, the slots that open them, and what has moved to a new one."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy import text as sql

from keysweep.foundation.database.columns import blob, integer, table, text

_CURRENT = sql("state = 'current'")
_NEXT = sql("state = 'next'")

slot_key = table(
    "slot_key",
    "The key pair of a slot: a new master key is sealed to the public half, so that no slot must be at hand for that.",
    text(
        "slot_id",
        "The slot; its column wrapped then holds the private half.",
        ForeignKey("kek_slot.id"),
        primary_key=True,
    ),
    text("label", "What people call it; may be empty."),
    blob("public", "X25519 public key, raw."),
    text("tested_at", "When it was last seen to open the store.", null=True),
)

slot_master = table(
    "slot_master",
    "A generation of the master key, sealed to the key pair of a slot.",
    text("slot_id", "The slot.", ForeignKey("kek_slot.id"), primary_key=True),
    integer("generation", "The generation.", primary_key=True, autoincrement=False),
    blob("sealed", "Ephemeral X25519 public key, nonce and the sealed master key."),
)

generation = table(
    "generation",
    "A master key that this store has or had.  No row at all means: the first, from before there were several.",
    integer("number", "Counted from 1.", primary_key=True, autoincrement=False),
    text(
        "state",
        "next while values move to it, then current, then former.",
        CheckConstraint("state IN ('next', 'current', 'former')", name="known_state"),
    ),
    integer("first_seq", "First ledger entry whose MAC is of this generation; 0 until it is current."),
    blob("public_key", "Ed25519 public key of this generation, raw."),
    blob("kept", "Of a former one: its fingerprint and audit keys, sealed under the current one.", null=True),
    blob("mac", "Of the current one: HMAC-SHA256 over every slot and generation, under its ring key.", null=True),
    text("created_at", "When it was made."),
    Index("uq_generation_current", "state", unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT),
    Index("uq_generation_next", "state", unique=True, sqlite_where=_NEXT, postgresql_where=_NEXT),
)

moved = table(
    "moved",
    "Rows that are under the next generation already, while a rotation of the master key is under way; else empty.",
    text("kind", "Name of their table.", primary_key=True),
    text("id", "Their identifier.", primary_key=True),
    text("part", "The rest of their primary key; may be empty.", primary_key=True),
)

finding_alias = table(
    "finding_alias",
    "Names that a finding had under former generations.",
    text("former", "The former name.", primary_key=True),
    text("finding_id", "The finding.", ForeignKey("finding.id")),
    Index("ix_finding_alias_finding_id", "finding_id"),
)
