"""The schema: every table and column says what it holds.  Nothing here ever holds plaintext key material.

Times are RFC 3339 text in UTC (`foundation.clock.to_text`), so that they sort and read the same on every engine.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    REAL,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


@compiles(CreateColumn, "sqlite")
def _comment_columns(element: Any, compiler: Any, **options: Any) -> str:
    """SQLite keeps the text of a CREATE TABLE: put each column's comment into it."""
    text = compiler.visit_create_column(element, **options)
    comment = element.element.comment
    return f"-- {comment}\n\t{text}" if comment and text else text


def _table(name: str, comment: str, *items: Any) -> Table:
    return Table(name, metadata, *items, comment=comment, sqlite_strict=True)


def _text(name: str, comment: str, *args: Any, null: bool = False, **kwargs: Any) -> Column[Any]:
    return Column(name, Text, *args, nullable=null, comment=comment, **kwargs)


def _integer(name: str, comment: str, *args: Any, null: bool = False, **kwargs: Any) -> Column[Any]:
    return Column(name, Integer, *args, nullable=null, comment=comment, **kwargs)


def _blob(name: str, comment: str, *args: Any, null: bool = False, **kwargs: Any) -> Column[Any]:
    return Column(name, LargeBinary, *args, nullable=null, comment=comment, **kwargs)


store = _table(
    "store",
    "This store; one row.",
    _integer("id", "Always 1.", CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    _text("tenant", "Random name of the store; bound into every ciphertext."),
    _text("created_at", "When it was made."),
)

kek_slot = _table(
    "kek_slot",
    "One way to unwrap the master key.  Several may stand side by side (break-glass).",
    _text("id", "Random identifier.", primary_key=True),
    _text("kind", "key-file or passphrase."),
    _text("params", "Public parameters of the slot as JSON: salt, cost."),
    _blob("wrapped", "The master key, sealed under this slot's key."),
    _text("created_at", "When the slot was added."),
)

credential = _table(
    "credential",
    "What an agent uses: one row whatever number of values it had.",
    _text("id", "Random identifier; part of every ciphertext's associated data.", primary_key=True),
    _text("name", "Name that people use.", unique=True),
    _text("provider", "Name of a file in rotation/providers, or free text for a provider without an adapter."),
    _text("owner", "Who answers for it; empty if not stated."),
    _text("environment", "production, staging ...; empty if not stated."),
    _integer("is_admin", "1 if it mints and revokes others and is never handed to an agent."),
    _text("admin", "Name of the credential that administers this one.", null=True),
    _text("settings", "Public facts for the provider adapter as JSON: project id, role name."),
    _integer("max_age_days", "Age limit of its own; null means the policy's.", null=True),
    _text("created_at", "When it was first stored or, if stated, first issued."),
    _text("rotated_at", "When its current value became current.", null=True),
    _text("expires_at", "When the provider ends it.", null=True),
    _text("retired_at", "When it was taken out of use.", null=True),
)

version = _table(
    "version",
    "One value of a credential.  Only the fingerprint outlives the value.",
    _text("credential_id", "Whose value.", ForeignKey("credential.id"), primary_key=True),
    _integer("number", "Counted from 1 for each credential.", primary_key=True, autoincrement=False),
    _text(
        "state",
        "pending, current, standby, retiring, retired or discarded.",
        CheckConstraint(
            "state IN ('pending', 'current', 'standby', 'retiring', 'retired', 'discarded')", name="known_state"
        ),
    ),
    _blob("fingerprint", "HMAC-SHA256 of the whole value under the store's fingerprint key."),
    _text("prefix", "The provider's own public prefix of the value."),
    _integer("length", "Length of the value in bytes."),
    _text("provider_key_id", "The provider's immutable name of this key.", null=True),
    _text("created_at", "When it was stored."),
    _text("promoted_at", "When it became current.", null=True),
    _text("revoked_at", "When its revocation was requested at the provider.", null=True),
    _text("dead_at", "When it was proven dead.", null=True),
    _blob("sealed", "The encrypted value; null once shredded.", null=True),
    Index("ix_version_fingerprint", "fingerprint"),
)

version_print = _table(
    "version_print",
    "Keyed hashes of parts of a value, for recognising it when it is not seen whole.",
    _text("credential_id", "Whose value.", primary_key=True),
    _integer("number", "Which value.", primary_key=True, autoincrement=False),
    _text(
        "kind",
        "part: a component such as a password; fold: a run of at least 16 characters, look-alikes folded.",
        primary_key=True,
    ),
    _integer("position", "Order among those of its kind.", primary_key=True, autoincrement=False),
    _blob("digest", "HMAC-SHA256 under the store's fingerprint key."),
    ForeignKeyConstraint(["credential_id", "number"], ["version.credential_id", "version.number"]),
    Index("ix_version_print_digest", "digest"),
)

agent = _table(
    "agent",
    "Something that runs with keys: a command, a service.",
    _text("name", "Name that people use.", primary_key=True),
    _text("kind", "Name of a file in rotation/agents."),
    _text("settings", "Public facts for the adapter as JSON."),
    _text("created_at", "When it was added."),
)

binding = _table(
    "binding",
    "Which credential an agent may resolve, and under which variable it gets it.",
    _text("agent", "The agent.", ForeignKey("agent.name"), primary_key=True),
    _text("variable", "Environment variable that carries the value.", primary_key=True),
    _text("credential_id", "The credential.", ForeignKey("credential.id")),
)

instance = _table(
    "instance",
    "One supervisor that runs an agent now, and what the engine wants it to run.",
    _text("id", "Random identifier.", primary_key=True),
    _text("agent", "The agent.", ForeignKey("agent.name")),
    _text("host", "Host name of the supervisor."),
    _integer("pid", "Process id of the supervisor."),
    _text("started_at", "When it started."),
    _text("heartbeat_at", "When it was last seen alive."),
    _text("stopped_at", "When it ended.", null=True),
    _integer("wanted", "Generation that the engine asks for; a higher one than holds means: restart."),
    _text("wanted_versions", "Versions of that generation as JSON: credential id to number."),
    _integer("forced", "1 if the restart must not wait for a long grace."),
)

holding = _table(
    "holding",
    "What a supervised process was seen to hold: the attestation.",
    _text("instance_id", "The supervisor.", ForeignKey("instance.id"), primary_key=True),
    _text("credential_id", "The credential.", primary_key=True),
    _integer("number", "The version."),
    _blob("fingerprint", "Keyed fingerprint of the value found in the process."),
    _integer("generation", "Generation that the process was started for."),
    _text("method", "How it was seen: kernel (environment block of the live process) or built (what we handed over)."),
    _text("attested_at", "When."),
)

lease = _table(
    "lease",
    "Who may rotate a credential now.  The fence grows on each takeover and is checked with every write.",
    _text("credential_id", "The credential.", ForeignKey("credential.id"), primary_key=True),
    _text("holder", "Random name of the worker."),
    _integer("fence", "Grows by one on each takeover."),
    _text("expires_at", "After this anyone may take over."),
)

rotation = _table(
    "rotation",
    "One replacement of a credential's value.",
    _text("id", "Random identifier.", primary_key=True),
    _text("credential_id", "The credential.", ForeignKey("credential.id")),
    _integer("old_number", "The version that goes."),
    _integer("new_number", "The version that comes; null until it is sealed.", null=True),
    _text("mode", "planned or forced."),
    _text("steps", "Planned steps as a JSON list, in order."),
    _text("reason", "Why, in a person's words."),
    _text("incident_id", "The incident behind a forced rotation.", null=True),
    _text("tag", "Lineage name given to the key at the provider."),
    _text("started_at", "When it was accepted."),
    _text("finished_at", "When it ended.", null=True),
    _text("outcome", "done, rolled-back or half-way; null while it runs.", null=True),
)

journal = _table(
    "journal",
    "Write-ahead log of external effects: an intent before, an outcome after.  Rows are added, never changed.",
    _text("rotation_id", "The rotation.", ForeignKey("rotation.id"), primary_key=True),
    _integer("seq", "Counted from 1 for each rotation.", primary_key=True, autoincrement=False),
    _text("step", "Name of the step."),
    _integer("attempt", "Counted from 1 for each step."),
    _text("phase", "intent or outcome.", CheckConstraint("phase IN ('intent', 'outcome')", name="known_phase")),
    _text("result", "Of an outcome: ok, failed or skipped.", null=True),
    _text("detail", "Public facts of the step as JSON."),
    _integer("fence", "Fence of the lease that it was written under."),
    _text("at", "When."),
)

cell = _table(
    "cell",
    "A sealed value that a rotation needs to survive a crash; shredded when the rotation ends, after 24 hours at the latest.",
    _text("rotation_id", "The rotation.", ForeignKey("rotation.id"), primary_key=True),
    _text("name", "What it is: minted response, or the old value.", primary_key=True),
    _blob("sealed", "The encrypted value; null once shredded.", null=True),
    _text("created_at", "When it was written."),
    _text("shredded_at", "When it was destroyed.", null=True),
)

incident = _table(
    "incident",
    "A stored key that is compromised, and why we think so.",
    _text("id", "Random identifier.", primary_key=True),
    _text("credential_id", "The credential.", ForeignKey("credential.id")),
    _integer("number", "The compromised version."),
    _text("cause", "Where the alarm came from: finding, event, person."),
    _text("reference", "Finding id, ticket or event id."),
    _text("opened_at", "When it was accepted."),
    _text("closed_at", "When the key was proven dead.", null=True),
    UniqueConstraint("credential_id", "number"),
)

finding = _table(
    "finding",
    "One leaked key, however often it occurs.",
    _text("id", "Stable across runs and moves of lines.", primary_key=True),
    _text("rule", "Rule that found it."),
    _text("provider", "Provider that the rule names."),
    _text("severity", "critical, high, medium, low or info."),
    _text("confidence", "verified, checked, shape or generic."),
    _blob("fingerprint", "Keyed fingerprint of the value."),
    _text("prefix", "The provider's own public prefix."),
    _integer("length", "Length in bytes."),
    _text("credential", "Name of the stored credential that it is; null for a stranger.", null=True),
    _integer("number", "Version of that credential.", null=True),
    _text("match", "exact, part, key-id, ocr or masked.", null=True),
    Column("certainty", REAL, nullable=True, comment="Of the match, 0 to 1."),
    _text("first_seen", "First scan that saw it."),
    _text("last_seen", "Last scan that saw it."),
    Index("ix_finding_credential", "credential", "number"),
)

sighting = _table(
    "sighting",
    "One place where a finding stands.",
    _text("finding_id", "The finding.", ForeignKey("finding.id"), primary_key=True),
    _text("place", "Path, position, commit or member as one line of text.", primary_key=True),
    _text("detail", "The occurrence as in the JSON of a scan."),
    _text("first_seen", "First scan that saw it here."),
    _text("last_seen", "Last scan that saw it here."),
)

scan = _table(
    "scan",
    "One run of the scanner: what was read and what was not.",
    _text("id", "Random identifier.", primary_key=True),
    _text("targets", "What was asked for, as JSON."),
    _text("rules", "Digest of the rule set."),
    _text("started_at", "When it started."),
    _text("finished_at", "When it ended."),
    _integer("complete", "1 if nothing was skipped."),
    _integer("files", "Blobs read."),
    _integer("bytes", "Bytes read."),
    _text("skipped", "What was not read and why, as JSON."),
    _integer("findings", "Findings, strangers included."),
    _integer("mapped", "Findings that are stored credentials."),
)

ledger = _table(
    "ledger",
    "What happened, for ever: the audit log.  Rows are added, never changed.",
    _integer("seq", "Place in the chain, counted from 1 without gaps.", primary_key=True, autoincrement=False),
    _text("body", "Canonical JSON.  Never holds key material."),
    _blob("previous", "Hash of the entry before; zeros for the first."),
    _blob("hash", "SHA-256 over seq, previous and body."),
    _blob("mac", "HMAC-SHA256 of the hash under the store's audit key."),
)

checkpoint = _table(
    "checkpoint",
    "Signed statements of how long the ledger was and what its head was.",
    _integer("seq", "Last entry that it covers.", primary_key=True, autoincrement=False),
    _blob("head", "Hash of that entry."),
    _text("at", "When it was signed."),
    _blob("public_key", "Ed25519 public key, raw."),
    _blob("signature", "Ed25519 over the statement."),
)
