"""An agent that runs under `keysweep run`: the supervisor restarts it, and reads what it holds from the kernel."""

from __future__ import annotations

from sqlalchemy import Connection

from keysweep.foundation.clock import system_clock
from keysweep.rotation import instances
from keysweep.rotation.agents import Agent, Attestation, Delivery, Holding


def _deliver(delivery: Delivery) -> None:
    """Nothing to put anywhere: the supervisor opens the version itself when it starts the process."""


def _activate(delivery: Delivery) -> None:
    """Ask the supervisors that were not asked yet; who asks again and again while it waits only reads."""
    with delivery.database.read() as connection:
        if not _unasked(connection, delivery):
            return
    with delivery.database.write() as connection:
        for instance in _unasked(connection, delivery):
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


def _unasked(connection: Connection, delivery: Delivery) -> list[instances.Instance]:
    """Return the supervisors that neither are asked for what was delivered nor hold it."""
    return [
        instance
        for instance in instances.live_instances(connection, delivery.agent, system_clock())
        if instance.wanted_versions.get(delivery.version.credential_id) != delivery.version.number
        and not _held(connection, instance, delivery)
    ]


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
    named=lambda _settings, variable: variable,
)
