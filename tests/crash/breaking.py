"""How a rotation dies at the crash points of its way forward."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sqlalchemy import text

from keysweep.rotation import provider_catalog
from keysweep.rotation.engine.steps import Step
from keysweep.rotation.providers import Kind
from tests.crash.cases import Case, step
from tests.crash.promises import order, provider_of
from tests.fakes.agents import eventually
from tests.fakes.command_line import After, Before, DiskFull, Paused, Point, Trouble, command, ended, launch
from tests.fakes.simulated import SIMULATED
from tests.fakes.stores import World

GETS = (Step.MINT, Step.ROLL, Step.SET_VALUE, Step.TAKE_STANDBY)
ENDS = (Step.REVOKE, Step.PROVE_DEAD)
_KEEPS = (Step.MINT, Step.ROLL, Step.SEAL, Step.TAKE_STANDBY)
_DIES_AT: Mapping[int, tuple[tuple[Step, ...], str]] = {
    2: (GETS, "intent"),
    3: (GETS, "effect"),
    4: (GETS, "effect"),
    5: ((Step.SEAL, Step.TAKE_STANDBY), "outcome"),
    6: ((Step.VERIFY_NEW,), "effect"),
    7: ((Step.STAGE,), "effect"),
    8: ((Step.ACTIVATE,), "effect"),
    9: ((Step.ACTIVATE,), "outcome"),
    10: ((Step.ATTEST,), "effect"),
    11: ((Step.PROMOTE,), "outcome"),
    12: (ENDS, "effect"),
    13: (ENDS, "effect"),
    14: ((Step.PROVE_DEAD,), "outcome"),
}
"""Where a worker is killed: at the first of some steps that the rotation has."""
_LONGEST_S = 0.8
"""A rotation takes about so long here."""


def play(world: World, case: Case) -> None:
    """Let the rotation die at the point."""
    match case.point:
        case 14 if provider_of(case.kind) is Kind.MANUAL:  # nothing is proven before a person has ended the key
            run(world, case, Point(Step.PROMOTE.value, "outcome"))
        case 15:
            run(world, case, Point(Step.PROMOTE.value, "outcome"))
            killed = After(random.Random(case.seed).uniform(0.0, 0.4))
            command(world.environ, world.folder, "vault", "rotate-master", trouble=killed)
            assert command(world.environ, world.folder, "vault", "rotate-master").code == 0
        case 17:
            _fence_out(world, case)
        case 20:
            _refuse(world, case)
        case _:
            _faults(world, case)
            run(world, case, _trouble(case))
            world.vendors.heal()


def run(world: World, case: Case, trouble: Trouble | None) -> None:
    """Order the rotation, and see that it dies where it shall."""
    died = command(world.environ, world.folder, *order(case.kind, forced=case.forced), trouble=trouble)
    if isinstance(trouble, Point | Before):
        assert died.code == -signal.SIGKILL, f"it was not killed at {trouble}: {died.code} {died.output}"


def _faults(world: World, case: Case) -> None:
    if case.kind not in SIMULATED:
        return
    manner = SIMULATED[case.kind]

    def fault(name: str, method: str, path: str, count: int = 1) -> None:
        for each in [method] if method else ["POST", "PUT", "DELETE"]:
            world.vendors.fault(case.kind, name, method=each, path=path, count=count, seconds=0, status=503)

    match case.point:
        case 3:
            fault(random.Random(case.seed).choice(["lose-answer", "fail-after"]), *manner.gets)
        case 6:
            fault("status", *manner.probed, count=3)
        case 13:
            fault("fail-after", *manner.ends, count=2 if manner.fixed else 1)


def _trouble(case: Case) -> Trouble:
    if case.point in {1, 16}:
        return Before("INSERT INTO rotation " if case.point == 1 else "INSERT INTO ledger ")
    if case.point == 18:
        return DiskFull(step(case, _KEEPS))
    if case.point not in _DIES_AT:
        return After(random.Random(case.seed).uniform(0.0, _LONGEST_S))
    among, moment = _DIES_AT[case.point]
    return Point(step(case, among), moment)


def _refuse(world: World, case: Case) -> None:
    """Take the administering key's rights away in the middle of a rotation, which says so; then give them back."""
    point = Paused(Point(step(case, GETS), "intent"))
    paused = launch(world.environ, world.folder, *order(case.kind, forced=case.forced), trouble=point)
    try:
        _wait_stopped(paused.pid)
        back = world.sites[case.kind].refuse_admins()
        os.kill(paused.pid, signal.SIGCONT)
        said = ended(paused, world.folder, "rotate")
    finally:
        with suppress(ValueError):  # it has ended, as it ought to
            paused.kill()
    back()
    needless = provider_of(case.kind) is Kind.MANUAL
    assert needless or (said.code in {4, 5} and "Next: keysweep " in said.output), said.output


def _fence_out(world: World, case: Case) -> None:
    """Stop a worker in the middle, let its lease run out and another one do its work, and let it go on or die."""
    gets = step(case, GETS)
    dies = random.Random(case.seed).random() < 0.5
    looked = _outlives_a_late_call(case) and random.Random(case.seed + 1).random() < 0.5
    point = Paused(Point(gets, "intent"), then=Point(gets, "effect") if dies else None, looked=looked)
    paused = launch(world.environ, world.folder, *order(case.kind, forced=case.forced), trouble=point)
    try:
        _overtake(world, case, paused.pid)
        os.kill(paused.pid, signal.SIGCONT)
        code = ended(paused, world.folder, "rotate").code
    finally:
        with suppress(ValueError):  # it has ended, as it ought to
            paused.kill()
    assert code != 0, "the worker that was fenced out thinks that it did the work"
    if dies:
        swept = command(world.environ, world.folder, "rotate", "--sweep")
        assert swept.code == 0, swept.output


def _outlives_a_late_call(case: Case) -> bool:
    """Whether a call that comes when another worker has done the work already does no harm that is not mended.

    Elsewhere it is the look at the lease that keeps it from being made: a slot or a value would be made anew that serves by then,
    or a key would come that nobody can tell from a stranger's.
    """
    facts = provider_catalog.get(case.kind).facts
    return facts.kind is Kind.SET_VALUE or (facts.kind in {Kind.MINT, Kind.MINT_READABLE} and facts.tag_limit > 0)


def _overtake(world: World, case: Case, paused: int) -> None:
    """Let another worker take the rotation over from one that stands still, and end it."""
    _wait_stopped(paused)
    with world.open() as opened, opened.database.write() as connection:
        connection.execute(text("UPDATE lease SET expires_at = '2000-01-01T00:00:00.000000Z'"))
    second = world.folder / "second"
    second.mkdir()
    command(world.environ, second, *order(case.kind, forced=case.forced))


def _wait_stopped(pid: int) -> None:
    status = Path(f"/proc/{pid}/stat")
    eventually(lambda: status.read_text().rpartition(")")[2].split()[0] == "T", "the worker to stop")
