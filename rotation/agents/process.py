"""An agent that runs under `keysweep run`: the supervisor restarts it, and reads what it holds from the kernel."""

from __future__ import annotations

from sqlalchemy import Connection

from keysweep.foundation.clock import system_clock
from keysweep.rotation import instances
from keysweep.rotation.agents import Agent, Attestation, Delivery, Holding


def _deliver(delivery: Delivery) -> None:
    """Nothing to put anywhere: the supervisor opens the version itself when it starts the process."""


def _activate(delivery: Delivery) -> None:
    with delivery.database.write() as connection:
        for instance in instances.live_instances(connection, delivery.agent, system_clock()):
            if not _held(connection, instance, delivery):
                instances.want(connection, instance, delivery.version, forced=delivery.forced)


def _attest(delivery: Delivery) -> Attestation:
    with delivery.database.read() as connection:
        running = instances.live_instances(connection, delivery.agent, system_clock())
        if not running:
            return Attestation(holding=Holding.NOT_RUNNING, method="not-running")
        held = [one for instance in running for one in _held(connection, instance, delivery)]
    if len(held) < len(running):
        return Attestation(holding=Holding.OTHER, method="none")
    return Attestation(
        holding=Holding.NEW,
        method=",".join(sorted({one.method for one in held})),
        at=max(one.attested_at for one in held),
    )


def _held(connection: Connection, instance: instances.Instance, delivery: Delivery) -> list[instances.Seen]:
    """Return the sightings that prove that this instance holds what was delivered, in the newest generation asked of it."""
    return [
        one
        for one in instances.seen(connection, instance.id)
        if one.version == delivery.version
        and (one.fingerprint == delivery.fingerprint or delivery.same(connection, one.fingerprint))
        and one.generation >= instance.wanted
    ]


AGENT = Agent(
    title="A process under `keysweep run`",
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    nudge=_activate,
)
