"""The tables of agents, rotations and incidents: who holds what now, and what is being done about it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql

from keysweep.foundation.database.columns import blob, integer, table, text

_DONE = sql("phase = 'outcome' AND result = 'ok'")
"""A step of a rotation is done once: a revocation cannot be recorded twice, whoever tries."""

agent = table(
    "agent",
    "Something that runs with keys: a command, a service.",
    text("name", "Name that people use.", primary_key=True),
    text("kind", "Name of a file in rotation/agents."),
    text("settings", "Public facts for the adapter as JSON."),
    text("created_at", "When it was added."),
)

binding = table(
    "binding",
    "Which credential an agent may resolve, and under which variable it gets it.",
    text("agent", "The agent.", ForeignKey("agent.name"), primary_key=True),
    text("variable", "Environment variable that carries the value.", primary_key=True),
    text("credential_id", "The credential.", ForeignKey("credential.id")),
    Index("ix_binding_credential", "credential_id", "agent"),
)

instance = table(
    "instance",
    "One supervisor that runs an agent now, and what the engine wants it to run.",
    text("id", "Random identifier.", primary_key=True),
    text("agent", "The agent.", ForeignKey("agent.name")),
    text("host", "Host name of the supervisor."),
    integer("pid", "Process id of the supervisor."),
    text("started_at", "When it started."),
    text("heartbeat_at", "When it was last seen alive."),
    text("stopped_at", "When it ended.", null=True),
    integer("wanted", "Generation that the engine asks for; a higher one than holds means: restart."),
    text("wanted_versions", "Versions of that generation as JSON: credential id to number."),
    integer("forced", "1 if the restart must not wait for a long grace."),
)

holding = table(
    "holding",
    "What a supervised process was seen to hold: the attestation.",
    text("instance_id", "The supervisor.", ForeignKey("instance.id"), primary_key=True),
    text("credential_id", "The credential.", primary_key=True),
    integer("number", "The version."),
    blob("fingerprint", "Keyed fingerprint of the value found in the process."),
    integer("generation", "Generation that the process was started for."),
    text("method", "How it was seen: kernel (environment block of the live process) or built (what we handed over)."),
    text("attested_at", "When."),
)

lease = table(
    "lease",
    "Who may rotate a credential now.  The fence grows on each takeover and is checked with every write.",
    text("credential_id", "The credential.", ForeignKey("credential.id"), primary_key=True),
    text("holder", "Random name of the worker."),
    integer("fence", "Grows by one on each takeover."),
    text("expires_at", "After this anyone may take over."),
)

rotation = table(
    "rotation",
    "One replacement of a credential's value.",
    text("id", "Random identifier.", primary_key=True),
    text("credential_id", "The credential.", ForeignKey("credential.id")),
    integer("old_number", "The version that goes."),
    integer("new_number", "The version that comes; null until it is sealed.", null=True),
    text("mode", "planned or forced."),
    text("steps", "Planned steps as a JSON list, in order."),
    text("reason", "Why, in a person's words."),
    text("incident_id", "The incident behind a forced rotation.", null=True),
    text("tag", "Lineage name given to the key at the provider."),
    text("started_at", "When it was accepted."),
    text("finished_at", "When it ended.", null=True),
    text("outcome", "done, rolled-back or half-way; null while it runs.", null=True),
)

journal = table(
    "journal",
    "Write-ahead log of external effects: an intent before, an outcome after.  Rows are added, never changed.",
    text("rotation_id", "The rotation.", ForeignKey("rotation.id"), primary_key=True),
    integer("seq", "Counted from 1 for each rotation.", primary_key=True, autoincrement=False),
    text("step", "Name of the step."),
    integer("attempt", "Counted from 1 for each step."),
    text("phase", "intent or outcome.", CheckConstraint("phase IN ('intent', 'outcome')", name="known_phase")),
    text("result", "Of an outcome: ok, failed or skipped.", null=True),
    text("detail", "Public facts of the step as JSON."),
    integer("fence", "Fence of the lease that it was written under."),
    text("at", "When."),
    Index("uq_journal_done", "rotation_id", "step", unique=True, sqlite_where=_DONE, postgresql_where=_DONE),
)

cell = table(
    "cell",
    "A sealed value that a rotation needs to survive a crash; shredded when the rotation ends, after 24 hours at the latest.",
    text("rotation_id", "The rotation.", ForeignKey("rotation.id"), primary_key=True),
    text("name", "What it is: minted response, or the old value.", primary_key=True),
    blob("sealed", "The encrypted value; null once shredded.", null=True),
    text("created_at", "When it was written."),
    text("shredded_at", "When it was destroyed.", null=True),
)

incident = table(
    "incident",
    "A stored key that is compromised, and why we think so.",
    text("id", "Random identifier.", primary_key=True),
    text("credential_id", "The credential.", ForeignKey("credential.id")),
    integer("number", "The compromised version."),
    text("cause", "Where the alarm came from: finding, event, person."),
    text("reference", "Finding id, ticket or event id."),
    text("opened_at", "When it was accepted."),
    text("closed_at", "When the key was proven dead.", null=True),
    UniqueConstraint("credential_id", "number"),
)

rotation_terms = table(
    "rotation_terms",
    "On which terms a rotation was asked for; a rotation without a row has none of its own.",
    text("rotation_id", "The rotation.", ForeignKey("rotation.id"), primary_key=True),
    text("policy", "swap, revoke-first or contain; of a forced rotation."),
    integer("grace_s", "Seconds that the old key lives on once the new one is current."),
    integer("agents_ms", "Milliseconds within which each agent shall hold the new key; longer is recorded."),
    text("reference", "Ticket or incident of the person who asked; empty if not stated."),
)

delivery = table(
    "delivery",
    "A signed event that was delivered, so that the same delivery again is answered and not acted on.",
    text("sender", "Name of a file in rotation/incident/triggers.", primary_key=True),
    text("delivery_id", "The sender's own name of the delivery, or a keyed hash of what was signed.", primary_key=True),
    text("received_at", "When it came first."),
    text("answered_at", "When all that it led to had ended well; null until then.", null=True),
    text("answer", "What it led to, one line a key; empty until it is answered."),
)
