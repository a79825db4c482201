"""The schema: every table and column says what it holds.  Nothing here ever holds plaintext key material.

Times are RFC 3339 text in UTC (`foundation.clock.to_text`), so that they sort and read the same on every engine.
"""

from __future__ import annotations

from sqlalchemy import REAL, CheckConstraint, Column, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy import text as sql

from keysweep.foundation.database.columns import blob, integer, metadata, table, text
from keysweep.foundation.database.ledger_tables import (
    checkpoint,
    checkpoint_export,
    ledger,
    match_key,
    match_use,
    row_state,
)
from keysweep.foundation.database.listing_tables import listed
from keysweep.foundation.database.ring_tables import finding_alias, generation, moved, slot_key, slot_master
from keysweep.foundation.database.rotation_tables import (
    agent,
    binding,
    cell,
    delivery,
    holding,
    incident,
    instance,
    journal,
    lease,
    rotation,
    rotation_terms,
)

__all__ = [
    "agent",
    "binding",
    "cell",
    "checkpoint",
    "checkpoint_export",
    "delivery",
    "finding_alias",
    "generation",
    "holding",
    "incident",
    "instance",
    "journal",
    "lease",
    "ledger",
    "listed",
    "match_key",
    "match_use",
    "metadata",
    "moved",
    "rotation",
    "rotation_terms",
    "row_state",
    "slot_key",
    "slot_master",
]

_CURRENT = sql("state = 'current'")
"""At most one version of a credential is current: the engines enforce it."""
_ENDS = sql("expires_at IS NOT NULL")
"""Most keys end when somebody ends them."""


store = table(
    "store",
    "This store; one row.",
    integer("id", "Always 1.", CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    text("tenant", "Random name of the store; bound into every ciphertext."),
    text("created_at", "When it was made."),
)

kek_slot = table(
    "kek_slot",
    "One way to unwrap the master key.  Several may stand side by side (break-glass).",
    text("id", "Random identifier.", primary_key=True),
    text("kind", "key-file or passphrase."),
    text("params", "Public parameters of the slot as JSON: salt, cost."),
    blob("wrapped", "The master key, sealed under this slot's key."),
    text("created_at", "When the slot was added."),
)

credential = table(
    "credential",
    "What an agent uses: one row whatever number of values it had.",
    text("id", "Random identifier; part of every ciphertext's associated data.", primary_key=True),
    text("name", "Name that people use.", unique=True),
    text("provider", "Name of a file in rotation/providers, or free text for a provider without an adapter."),
    text("owner", "Who answers for it; empty if not stated."),
    text("environment", "production, staging ...; empty if not stated."),
    integer("is_admin", "1 if it mints and revokes others and is never handed to an agent."),
    text("admin", "Name of the credential that administers this one.", null=True),
    text("settings", "Public facts for the provider adapter as JSON: project id, role name."),
    integer("max_age_days", "Age limit of its own; null means the policy's.", null=True),
    text("created_at", "When it was first stored or, if stated, first issued."),
    text("rotated_at", "When its current value became current.", null=True),
    text("expires_at", "When the provider ends it.", null=True),
    text("retired_at", "When it was taken out of use.", null=True),
    Index("ix_credential_expires_at", "expires_at", sqlite_where=_ENDS, postgresql_where=_ENDS),
)

version = table(
    "version",
    "One value of a credential.  Only the fingerprint outlives the value.",
    text("credential_id", "Whose value.", ForeignKey("credential.id"), primary_key=True),
    integer("number", "Counted from 1 for each credential.", primary_key=True, autoincrement=False),
    text(
        "state",
        "pending, current, standby, retiring, retired or discarded.",
        CheckConstraint(
            "state IN ('pending', 'current', 'standby', 'retiring', 'retired', 'discarded')", name="known_state"
        ),
    ),
    blob("fingerprint", "HMAC-SHA256 of the whole value under the store's fingerprint key."),
    text("prefix", "The provider's own public prefix of the value."),
    integer("length", "Length of the value in bytes."),
    text("provider_key_id", "The provider's immutable name of this key.", null=True),
    text("created_at", "When it was stored."),
    text("promoted_at", "When it became current.", null=True),
    text("revoked_at", "When its revocation was requested at the provider.", null=True),
    text("dead_at", "When it was proven dead.", null=True),
    blob("sealed", "The encrypted value; null once shredded.", null=True),
    Index("ix_version_fingerprint", "fingerprint"),
    Index("uq_version_current", "credential_id", unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT),
)

version_print = table(
    "version_print",
    "Keyed hashes of parts of a value, for recognising it when it is not seen whole.",
    text("credential_id", "Whose value.", primary_key=True),
    integer("number", "Which value.", primary_key=True, autoincrement=False),
    text(
        "kind",
        "part: a component such as a password; fold: a run of at least 16 characters, look-alikes folded.",
        primary_key=True,
    ),
    integer("position", "Order among those of its kind.", primary_key=True, autoincrement=False),
    blob("digest", "HMAC-SHA256 under the store's fingerprint key."),
    ForeignKeyConstraint(["credential_id", "number"], ["version.credential_id", "version.number"]),
    Index("ix_version_print_digest", "digest"),
)

finding = table(
    "finding",
    "One leaked key, however often it occurs.",
    text("id", "Stable across runs and moves of lines.", primary_key=True),
    text("rule", "Rule that found it."),
    text("provider", "Provider that the rule names."),
    text("severity", "critical, high, medium, low or info."),
    text("confidence", "verified, checked, shape or generic."),
    blob("fingerprint", "Keyed fingerprint of the value."),
    text("prefix", "The provider's own public prefix."),
    integer("length", "Length in bytes."),
    text("credential", "Name of the stored credential that it is; null for a stranger.", null=True),
    integer("number", "Version of that credential.", null=True),
    text("match", "exact, part, key-id, ocr or masked.", null=True),
    Column("certainty", REAL, nullable=True, comment="Of the match, 0 to 1."),
    text("first_seen", "First scan that saw it."),
    text("last_seen", "Last scan that saw it."),
    Index("ix_finding_credential", "credential", "number"),
)

sighting = table(
    "sighting",
    "One place where a finding stands.",
    text("finding_id", "The finding.", ForeignKey("finding.id"), primary_key=True),
    text("place", "Path, position, commit or member as one line of text.", primary_key=True),
    text("detail", "The occurrence as in the JSON of a scan."),
    text("first_seen", "First scan that saw it here."),
    text("last_seen", "Last scan that saw it here."),
)

scan = table(
    "scan",
    "One run of the scanner: what was read and what was not.",
    text("id", "Random identifier.", primary_key=True),
    text("targets", "What was asked for, as JSON."),
    text("rules", "Digest of the rule set."),
    text("started_at", "When it started."),
    text("finished_at", "When it ended."),
    integer("complete", "1 if nothing was skipped."),
    integer("files", "Blobs read."),
    integer("bytes", "Bytes read."),
    text("skipped", "What was not read and why, as JSON."),
    integer("findings", "Findings, strangers included."),
    integer("mapped", "Findings that are stored credentials."),
)

profile = table(
    "profile",
    "What is known of a credential beside its values; a row only where something is.",
    text("credential_id", "The credential.", ForeignKey("credential.id"), primary_key=True),
    text("class", "Class of the policy that sets its age limit; empty for the default."),
    text("kind", "What the rules take its value for; empty if none knows it."),
    text("runbook", "Address or page that says how it is rotated by hand; empty for the provider's page."),
    text("retired_reason", "Why it was taken out of use; empty while it is in use."),
    text("last_used_at", "When it was last handed out here, or used according to its provider.", null=True),
    text("last_used_by", "Agent that it was handed to, or provider for the provider's own word.", null=True),
    Index("ix_profile_class", "class"),
)

policy = table(
    "policy",
    "Age limits and who approved them.  Rows are added, never changed; the newest of a class counts.",
    integer("seq", "Counted from 1.", primary_key=True, autoincrement=False),
    text("class", "Class of credentials; empty for all that have no policy of their own."),
    integer("max_age_days", "Age limit in days.", CheckConstraint("max_age_days > 0", name="some_days")),
    text("risk_analysis", "Name of the risk analysis that the limit follows from."),
    text("approved_by", "Who approved it."),
    text("approved_at", "When it was approved."),
    text("recorded_at", "When it was stored."),
    text("recorded_by", "Who stored it."),
)

policy_exception = table(
    "policy_exception",
    "A credential that may be older for a while.  Rows are added, never changed; the newest of a credential counts.",
    integer("seq", "Counted from 1.", primary_key=True, autoincrement=False),
    text("credential_id", "The credential.", ForeignKey("credential.id")),
    text("until", "Last moment at which it counts; before recorded_at to end an earlier one."),
    text("reason", "Why, in a person's words."),
    text("approved_by", "Who approved it."),
    text("recorded_at", "When it was stored."),
    text("recorded_by", "Who stored it."),
    Index("ix_policy_exception_credential", "credential_id"),
)

reconciliation = table(
    "reconciliation",
    "One comparison of a provider's list of keys with the inventory.",
    text("id", "Random identifier.", primary_key=True),
    text("provider", "The provider."),
    text("account", "Name of the credential that the list was asked with."),
    text("started_at", "When the list was asked for."),
    text("finished_at", "When it was compared."),
    text("method", "The call that was made."),
    text("failure", "Why there is no list; null if there is one.", null=True),
    integer("listed", "Keys that the provider listed."),
    integer("stored", "Stored values that must be among them."),
    integer("matched", "Listed keys that are stored values."),
    integer("unknown", "Live keys at the provider that are not stored here."),
    integer("gone", "Stored values in use that the provider does not list, or lists as switched off."),
    integer("drifted", "Stored values whose name, id or expiry at the provider is another than here."),
    Index("ix_reconciliation_finished", "provider", "finished_at"),
)

provider_key = table(
    "provider_key",
    "A key as its provider listed it last.",
    text("account", "Name of the credential that the list was asked with.", primary_key=True),
    text("key_id", "The provider's id of the key.", primary_key=True),
    text("provider", "The provider."),
    text("name", "The provider's name of the key."),
    text("hint", "What the provider shows of the value, masked."),
    text("owner", "User or service account that the provider says it belongs to."),
    integer("active", "1 if the provider accepts it."),
    text("created_at", "When it was made, as the provider says.", null=True),
    text("last_used_at", "When it was last used, as the provider says.", null=True),
    text("expires_at", "When the provider ends it.", null=True),
    text("credential_id", "The stored credential that it is; null if it is not stored.", null=True),
    integer("number", "Version of that credential.", null=True),
    text("first_seen", "First list that it stood in."),
    text("last_seen", "Last list that it stood in."),
    text("reconciliation_id", "The comparison that saw it last.", ForeignKey("reconciliation.id")),
    Index("ix_provider_key_credential", "credential_id"),
)
