"""What each step does.  An action acts outside and returns what to write down; the driver journals around it.

Every action may run again after a crash: those that are not safe to repeat look first (`obtain.mint` sweeps its orphans).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import Connection

from keysweep.foundation.secret import Secret
from keysweep.rotation.agents import Agent, AgentError, Delivery, Holding
from keysweep.rotation.credential import State
from keysweep.rotation.engine import grace, lateness, leave, obtain, orphans, slots
from keysweep.rotation.engine.key_id import asked_id, told_id
from keysweep.rotation.engine.run import MINTED, Done, Run, StepFailedError, promised
from keysweep.rotation.engine.steps import Step
from keysweep.rotation.providers import Liveness, ProviderError, Trouble
from keysweep.rotation.vault import store

Action = Callable[[Run, int], Done]
_LONGEST_PAUSE_S = 2.0
_RESERVE = 8192


def _prepare(run: Run, _attempt: int) -> Done:
    """Prove that the journal can be written, and learn the old key's id while it is still alive."""
    old = run.old()
    key_id = old.provider_key_id or (asked_id(run, old) if run.account.admin is not None else told_id(run, old))

    def settle(connection: Connection) -> None:
        if key_id and key_id != old.provider_key_id:
            store.set_provider_key_id(connection, old.ref, key_id)
        run.keep(connection, MINTED, Secret(bytes(_RESERVE)))  # the room that MINT's answer will need

    return Done(detail={"key_id": key_id, orphans.BEFORE: orphans.listed_before(run)}, settle=settle)


def _verify_new(run: Run, _attempt: int) -> Done:
    """Wait for the first yes to the new key: as long as the vendor may need, never past the moment at which a compromised one is cut."""
    window = run.monotonic() + run.provider.facts.accepted_within.total_seconds()
    until = min(window, run.budget.revoke_at if run.forced else run.budget.end_at)
    value, account = run.value(run.new().ref), run.account_of(run.new())
    probes, pause = 0, 0.2
    while True:
        verdict = run.provider.probe(account, value)
        probes += 1
        if verdict.liveness is Liveness.ALIVE:
            value.wipe()
            return Done(detail={"code": verdict.code, "probes": probes})
        if run.monotonic() > until:
            msg = f"the new key was not accepted ({verdict.code})"
            raise StepFailedError(msg)
        run.wait(pause)
        pause = min(pause * 1.2, _LONGEST_PAUSE_S)


def _contain(run: Run, _attempt: int) -> Done:
    key_id = run.old().provider_key_id
    if key_id is None:
        return Done(detail={"contained": False, "why": "no provider key id"})
    try:
        promised(run.provider.deactivate)(run.account, key_id)
    except ProviderError as error:
        if error.trouble is Trouble.NOT_FOUND:  # it went to make room for the new one
            return Done(detail={"contained": True, "why": "gone", "key_id": key_id})
        if error.trouble is not Trouble.REFUSED or run.provider.end_self is None:
            raise
        value = run.old_value()
        run.provider.end_self(run.account, value)
        value.wipe()
    return Done(detail={"contained": True, "key_id": key_id})


def _stage(run: Run, _attempt: int) -> Done:
    def deliver(agent: Agent, delivery: Delivery) -> None:
        delivery.beside()  # whoever would get one half of a key gets none
        agent.deliver(delivery)

    _each(run, deliver)
    return Done(detail={"agents": len(run.agents)})


def _activate(run: Run, _attempt: int) -> Done:
    _each(run, lambda agent, delivery: agent.activate(delivery))
    return Done(detail={"agents": ",".join(record.name for record, _ in run.agents)})


def _each(run: Run, act: Callable[[Agent, Delivery], None]) -> None:
    """Do something for each agent, whatever becomes of the others.

    Raises:
        AgentError: it could not be done for some; says for which.
    """
    failed: list[tuple[str, AgentError]] = []
    for agent, delivery in run.deliveries(run.new()):
        try:
            act(agent, delivery)
        except AgentError as error:
            failed.append((delivery.agent, error))
    if failed:
        said = "; ".join(f"{name}: {error.message}" for name, error in failed)
        raise AgentError(said, hint=failed[0][1].hint, passes=any(error.passes for _, error in failed))


def _attest(run: Run, attempt: int) -> Done:
    """Wait until every agent is seen to hold the new value; ask again meanwhile, for one that started just now."""
    if run.new().state in {State.RETIRING, State.RETIRED}:
        return Done(detail={"agents": 0, "superseded": True})  # a later rotation has moved the agents on
    until = run.budget.revoke_at if run.forced else run.budget.end_at
    pending = list(run.deliveries(run.new()))
    methods: dict[str, str] = {}
    slow: dict[str, int] = {}
    _tell_again(pending, attempt)
    while pending:
        for agent, delivery in list(pending):
            if agent.nudge is not None:
                agent.nudge(delivery)
            seen = agent.attest(delivery)
            methods[delivery.agent] = seen.method
            if seen.holding is not Holding.OTHER:
                pending.remove((agent, delivery))
                if (took_ms := lateness.late(run)) is not None:
                    slow[delivery.agent] = took_ms
        if pending and run.monotonic() > until:
            if (took_ms := lateness.late(run)) is not None:
                with run.opened.database.write() as connection:
                    lateness.record(run, connection, slow | {delivery.agent: took_ms for _, delivery in pending})
            msg = f"not seen on the new key: {', '.join(f'{delivery.agent} ({methods[delivery.agent]})' for _, delivery in pending)}"
            raise StepFailedError(msg, hint=f"keysweep agents status {pending[0][1].agent}")
        if pending:
            run.wait(min(agent.poll_s for agent, _ in pending))
    return Done(
        detail={
            "agents": len(methods),
            **{f"agent.{name}": how for name, how in sorted(methods.items())},
            **{f"late_ms.{name}": took_ms for name, took_ms in sorted(slow.items())},
        },
        settle=lambda connection: lateness.record(run, connection, slow),
    )


def _tell_again(pending: Sequence[tuple[Agent, Delivery]], attempt: int) -> None:
    """Let the agents that did not take the new value before try now: they were mended, and wait longer after each failure."""
    if attempt == 1:
        return
    for agent, delivery in pending:
        with suppress(AgentError):
            if agent.attest(delivery).holding is Holding.OTHER:
                agent.activate(replace(delivery, again=True))


ACTIONS: Mapping[Step, Action] = {
    Step.PREPARE: _prepare,
    Step.FREE_SLOT: slots.free,
    Step.MINT: obtain.mint,
    Step.ROLL: obtain.roll,
    Step.SEAL: obtain.seal,
    Step.SET_VALUE: obtain.set_value,
    Step.TAKE_STANDBY: obtain.take_standby,
    Step.VERIFY_NEW: _verify_new,
    Step.CONTAIN: _contain,
    Step.STAGE: _stage,
    Step.ACTIVATE: _activate,
    Step.ATTEST: _attest,
    Step.PROMOTE: leave.promote,
    Step.GRACE: grace.end,
    Step.REVOKE: leave.revoke,
    Step.PROVE_DEAD: leave.end_of_life,
    Step.SHRED: leave.shred,
}
"""The action of each step."""
