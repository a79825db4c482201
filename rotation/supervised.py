"""Agents that a process of ours stands for: what the engine wants it to serve, and what it says in its rows that it serves."""

from __future__ import annotations

from sqlalchemy import Connection

from keysweep.foundation.clock import system_clock
from keysweep.rotation import instances
from keysweep.rotation.agents import Attestation, Delivery, Holding


def deliver(delivery: Delivery) -> None:
    """Nothing to put anywhere: the process opens the version itself when it takes it up."""


def activate(delivery: Delivery) -> None:
    """Ask the processes that were not asked yet; who asks again and again while it waits only reads."""
    with delivery.database.read() as connection:
        if not _unasked(connection, delivery):
            return
    with delivery.database.write() as connection:
        for instance in _unasked(connection, delivery):
            instances.want(connection, instance, delivery.version, forced=delivery.forced, again=delivery.again)


def attest(delivery: Delivery) -> Attestation:
    """Say whether every live process was seen with the version since it was asked for it."""
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
    """Return the processes that do not hold what was delivered and are not asked for it, or shall be once more."""
    return [
        instance
        for instance in instances.live_instances(connection, delivery.agent, system_clock())
        if (delivery.again or instance.wanted_versions.get(delivery.version.credential_id) != delivery.version.number)
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
