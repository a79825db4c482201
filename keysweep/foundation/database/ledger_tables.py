"""The tables of the ledger, of what is kept of it elsewhere, and of match-only keys, whose uses are recorded beside it."""

from __future__ import annotations

from sqlalchemy import ForeignKey

from keysweep.foundation.database.columns import blob, integer, table, text

ledger = table(
    "ledger",
    "What happened, for ever: the audit log.  Rows are added, never changed.",
    integer("seq", "Place in the chain, counted from 1 without gaps.", primary_key=True, autoincrement=False),
    text("body", "Canonical JSON.  Never holds key material."),
    blob("previous", "Hash of the entry before; zeros for the first."),
    blob("hash", "SHA-256 over seq, previous and body."),
    blob("mac", "HMAC-SHA256 of the hash under the store's audit key."),
)

row_state = table(
    "row_state",
    "What each row of the store was when it was last written.  Rows are added, never changed.",
    integer("seq", "Counted from 1 without gaps.", primary_key=True, autoincrement=False),
    text("table_name", "The table."),
    text("row_key", "The primary key of the row, as a JSON list."),
    blob("digest", "SHA-256 over the row; null if it was deleted.", null=True),
    blob("chain", "SHA-256 over the chain before, table, key and digest; entries of the ledger name it."),
)

checkpoint = table(
    "checkpoint",
    "Signed statements of how long the ledger was and what its head was.",
    integer("seq", "Last entry that it covers.", primary_key=True, autoincrement=False),
    blob("head", "Hash of that entry."),
    text("at", "When it was signed."),
    blob("public_key", "Ed25519 public key, raw."),
    blob("signature", "Ed25519 over the statement."),
)

checkpoint_export = table(
    "checkpoint_export",
    "Where a checkpoint was taken to, off this host or to a file.  Rows are added, never changed.",
    integer("seq", "The checkpoint.", ForeignKey("checkpoint.seq"), primary_key=True, autoincrement=False),
    text("sink", "Where: a file, an address of syslog, a time-stamping authority.", primary_key=True),
    text("at", "When."),
    blob("receipt", "The time-stamp token (RFC 3161) that came back.", null=True),
)

match_key = table(
    "match_key",
    "Keys that recognise leaked values and open nothing: one row a key file that was given out.",
    text("id", "Random identifier; stands in the key file.", primary_key=True),
    text("label", "Name that people use.", unique=True),
    blob("wrapped", "The fingerprint keys, sealed under the key of the file; null once revoked.", null=True),
    blob("sealed", "The key of the file, sealed under the store's wrap key; null once revoked.", null=True),
    text("created_at", "When it was given out."),
    text("expires_at", "When it ends by itself; bound into both ciphertexts.", null=True),
    text("revoked_at", "When it was ended.", null=True),
)

match_use = table(
    "match_use",
    "One use of a match-only key.  Its holder cannot write the ledger: these rows are its word, not proof.",
    text("id", "Random identifier.", primary_key=True),
    text("key_id", "The match-only key.", ForeignKey("match_key.id")),
    text("at", "When."),
    text("host", "Where it ran, as it says itself."),
    integer("findings", "Leaked keys that were found."),
    integer("mapped", "Those that are stored here."),
)
