"""An agent under `keysweep run`: repeated calls are safe, and only what its supervisor saw counts as held."""

from __future__ import annotations

from keysweep.foundation.clock import system_clock
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.foundation.secret import Secret
from keysweep.rotation import instances
from keysweep.rotation.agents import Delivery, Holding
from keysweep.rotation.agents.process import AGENT
from keysweep.rotation.vault.unlock import OpenVault
from tests.fakes.fixtures import vendors, world
from tests.fakes.stores import World

__all__ = ["vendors", "world"]


def _delivery(opened: OpenVault, world: World) -> Delivery:
    version = world.versions("openai")[0]
    return Delivery(
        database=opened.database,
        agent="orders",
        settings={},
        version=version.ref,
        fingerprint=version.fingerprint,
        forced=False,
        variables=("OPENAI_API_KEY",),
        open=lambda _purpose: Secret(world.planted["openai"]),
    )


def _sees(opened: OpenVault, delivery: Delivery, *, generation: int, fingerprint: Fingerprint | None = None) -> None:
    with opened.database.write() as connection:
        for instance in instances.live_instances(connection, "orders", system_clock()):
            one = instances.Seen(
                version=delivery.version,
                fingerprint=fingerprint or delivery.fingerprint,
                generation=generation,
                method="kernel",
                attested_at=system_clock(),
            )
            instances.attest(connection, instance.id, (one,))


def test_an_agent_that_does_not_run_holds_nothing(world: World) -> None:
    """Delivering, activating and asking again is safe, and says that nothing runs."""
    with world.open() as opened:
        agent, delivery = AGENT, _delivery(opened, world)
        for _ in range(2):
            agent.deliver(delivery)
            agent.activate(delivery)
            assert agent.attest(delivery).holding is Holding.NOT_RUNNING


def test_asking_is_not_holding(world: World) -> None:
    """A running agent that was told to take a version counts only once it was seen with it, in what was asked last."""
    with world.open() as opened:
        agent, delivery = AGENT, _delivery(opened, world)
        with opened.database.write() as connection:
            instances.register(connection, "orders", system_clock())
        agent.activate(delivery)
        assert agent.attest(delivery).holding is Holding.OTHER
        _sees(opened, delivery, generation=1)
        assert agent.attest(delivery).holding is Holding.OTHER
        _sees(opened, delivery, generation=2, fingerprint=Fingerprint(bytes(32)))
        assert agent.attest(delivery).holding is Holding.OTHER
        _sees(opened, delivery, generation=2)
        assert agent.attest(delivery).holding is Holding.NEW


def test_asking_again_restarts_nobody(world: World) -> None:
    """One that is asked twice, or holds the version already, is asked for one generation."""
    with world.open() as opened:
        agent, delivery = AGENT, _delivery(opened, world)
        with opened.database.write() as connection:
            identifier = instances.register(connection, "orders", system_clock())
        _sees(opened, delivery, generation=1)
        agent.activate(delivery)
        with opened.database.read() as connection:
            assert instances.instance(connection, identifier).wanted == 1


def test_every_running_copy_must_hold_it(world: World) -> None:
    """Two supervisors run the agent: one that was seen is not enough."""
    with world.open() as opened:
        agent, delivery = AGENT, _delivery(opened, world)
        with opened.database.write() as connection:
            instances.register(connection, "orders", system_clock())
        _sees(opened, delivery, generation=1)
        assert agent.attest(delivery).holding is Holding.NEW
        with opened.database.write() as connection:
            instances.register(connection, "orders", system_clock())
        assert agent.attest(delivery).holding is Holding.OTHER
