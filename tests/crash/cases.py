"""The crash points of a rotation, for every class of providers and both modes: what breaks, and what a person does then."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from keysweep.rotation import provider_catalog
from keysweep.rotation.engine.plan import plan
from keysweep.rotation.engine.steps import Mode, Step
from keysweep.rotation.providers import Kind
from samples.servers.postgres import Server
from tests.crash.promises import check, order, provider_of, recover, running_agent
from tests.fakes.agents import eventually
from tests.fakes.command_line import After, Before, DiskFull, Paused, Point, Trouble, command, ended, launch
from tests.fakes.stores import World, build_world
from tests.fakes.vendors import running_vendors

POINTS: Mapping[int, str] = {
    1: "finding recorded, no rotation yet",
    2: "intent to get a key written, call not sent",
    3: "provider committed, answer lost",
    4: "answer in memory, not sealed",
    5: "sealed, not verified",
    6: "verification inconclusive",
    7: "staged, not written down",
    8: "agents asked to move, not written down",
    9: "old process stops",
    10: "agent up, attestation not recorded",
    11: "promoted, intent to revoke missing",
    12: "provider revoked, outcome missing",
    13: "revocation says 500 but took effect",
    14: "dead proven, shredding to come",
    15: "in the middle of a new master key",
    16: "entry of the ledger torn",
    17: "two workers, one paused past its lease",
    18: "disk full where the answer is sealed",
    19: "at any moment, as by a loss of power",
    20: "administering key refused midway",
}
KINDS = (
    "openai", "anthropic", "postgresql",
    "fake_mint", "fake_slots", "fake_readable", "fake_roll", "fake_set", "fake_standby", "fake_manual",
)  # fmt: skip
_QUICK = {"settle_s": 0.0, "deadline_s": 40.0, "revoke_after_s": 20.0, "stop_grace_s": 2.0, "forced_stop_grace_s": 1.0}
_GETS = (Step.MINT, Step.ROLL, Step.SET_VALUE, Step.TAKE_STANDBY)
_ENDS = (Step.REVOKE, Step.PROVE_DEAD)
_KEEPS = (Step.MINT, Step.ROLL, Step.SEAL, Step.TAKE_STANDBY)
_DIES_AT: Mapping[int, tuple[tuple[Step, ...], str]] = {
    2: (_GETS, "intent"),
    3: (_GETS, "effect"),
    4: (_GETS, "effect"),
    5: ((Step.SEAL, Step.TAKE_STANDBY), "outcome"),
    6: ((Step.VERIFY_NEW,), "effect"),
    7: ((Step.STAGE,), "effect"),
    8: ((Step.ACTIVATE,), "effect"),
    9: ((Step.ACTIVATE,), "outcome"),
    10: ((Step.ATTEST,), "effect"),
    11: ((Step.PROMOTE,), "outcome"),
    12: (_ENDS, "effect"),
    13: (_ENDS, "effect"),
    14: ((Step.PROVE_DEAD,), "outcome"),
}
"""Where a worker is killed: at the first of some steps that the rotation has."""
_LONGEST_S = 0.8
"""A rotation takes about so long here."""


@dataclass(frozen=True)
class Case:
    """One crash: where, of what, and the number that every random choice comes from."""

    kind: str
    mode: Mode
    point: int
    seed: int

    def __str__(self) -> str:
        return f"{self.kind} {self.mode.value} {self.point} ({POINTS[self.point]}) seed {self.seed}"


def cases(kinds: tuple[str, ...] = KINDS) -> list[Case]:
    """Return every point of every class in both modes."""
    return [Case(kind, mode, point, 0) for point in POINTS for kind in kinds for mode in Mode]


def random_case(seed: int, kinds: tuple[str, ...] = KINDS) -> Case:
    """Return the case that a number stands for; half of them die at any moment."""
    choose = random.Random(seed)
    point = choose.choice([19] * len(POINTS) + list(POINTS))
    return Case(choose.choice(kinds), choose.choice(list(Mode)), point, seed)


def play(case: Case, postgres: Server | None) -> None:
    """Let it happen in a world of its own, do what a person does, and hold the world to the promises.

    Raises:
        AssertionError: one is broken.
    """
    with tempfile.TemporaryDirectory(prefix="keysweep-crash-") as folder, running_vendors() as vendors:
        world = build_world(Path(folder) / "world", vendors, kinds=(case.kind,), postgres=postgres, rotation=_QUICK)
        with running_agent(world, case.kind) as supervisor:
            _break(world, case)
            recover(world, case.kind, forced=case.mode is Mode.FORCED, resume=random.Random(case.seed).random() < 0.5)
            check(world, case.kind, supervisor)


def broken(postgres: Server | None, case: Case) -> str:
    """Play a case and return the trace of the promise that it broke, empty if it broke none."""
    try:
        play(case, postgres)
    except Exception:
        return traceback.format_exc()
    return ""


def steps(case: Case) -> tuple[Step, ...]:
    """Return the steps of the rotation in question."""
    return plan(provider_catalog.get(case.kind).facts, case.mode, standby=True, has_admin=True).steps


def _break(world: World, case: Case) -> None:
    """Let the rotation die at the point."""
    match case.point:
        case 14 if provider_of(case.kind) is Kind.MANUAL:  # nothing is proven before a person has ended the key
            _run(world, case, Point(Step.PROMOTE.value, "outcome"))
        case 15:
            _run(world, case, Point(Step.PROMOTE.value, "outcome"))
            killed = After(random.Random(case.seed).uniform(0.0, 0.4))
            command(world.environ, world.folder, "vault", "rotate-master", trouble=killed)
            assert command(world.environ, world.folder, "vault", "rotate-master").code == 0
        case 17:
            _fence_out(world, case)
        case 20:
            _refuse(world, case)
        case _:
            _faults(world, case)
            _run(world, case, _trouble(case))
            world.vendors.heal()


def _run(world: World, case: Case, trouble: Trouble | None) -> None:
    forced = case.mode is Mode.FORCED
    died = command(world.environ, world.folder, *order(case.kind, forced=forced), trouble=trouble)
    if isinstance(trouble, Point | Before):
        assert died.code == -signal.SIGKILL, f"it was not killed at {trouble}: {died.code} {died.output}"


def _faults(world: World, case: Case) -> None:
    def fault(name: str, path: str, method: str = "", count: int = 1) -> None:
        for each in [method] if method else ["POST", "PUT", "DELETE"]:
            world.vendors.fault(case.kind, name, method=each, path=path, count=count, seconds=0, status=503)

    match case.point:
        case 3:
            fault(random.Random(case.seed).choice(["lose-answer", "fail-after"]), "")
        case 6:
            fault("status", "models" if case.kind in {"openai", "anthropic"} else "probe", method="GET", count=3)
        case 13:
            fault("fail-after", "", method="DELETE" if provider_of(case.kind) is not Kind.DEACTIVATE_ONLY else "")


def _trouble(case: Case) -> Trouble:
    if case.point in {1, 16}:
        return Before("INSERT INTO rotation " if case.point == 1 else "INSERT INTO ledger ")
    if case.point == 18:
        return DiskFull(_step(case, _KEEPS).value)
    if case.point not in _DIES_AT:
        return After(random.Random(case.seed).uniform(0.0, _LONGEST_S))
    among, moment = _DIES_AT[case.point]
    return Point(_step(case, among).value, moment)


def _step(case: Case, among: tuple[Step, ...]) -> Step:
    """Return the first of some steps that this rotation has."""
    return next(step for step in among if step in steps(case))


def _refuse(world: World, case: Case) -> None:
    """Take the administering key's rights away in the middle of a rotation, which says so; then give them back."""
    point = Paused(Point(_step(case, _GETS).value, "intent"))
    paused = launch(world.environ, world.folder, *order(case.kind, forced=case.mode is Mode.FORCED), trouble=point)
    try:
        _wait_stopped(paused.pid)
        back = world.vendors.refuse_admins(case.kind) if case.kind != "postgresql" else lambda: None
        os.kill(paused.pid, signal.SIGCONT)
        said = ended(paused, world.folder, "rotate")
    finally:
        with suppress(ValueError):  # it has ended, as it ought to
            paused.kill()
    back()
    needless = case.kind == "postgresql" or provider_of(case.kind) is Kind.MANUAL
    assert needless or (said.code in {4, 5} and "Next: keysweep rotate" in said.output), said.output


def _fence_out(world: World, case: Case) -> None:
    """Stop a worker in the middle, let its lease run out and another one do its work, and let it go on or die."""
    step = _step(case, _GETS).value
    dies = random.Random(case.seed).random() < 0.5
    point = Paused(Point(step, "intent"), then=Point(step, "effect") if dies else None)
    paused = launch(world.environ, world.folder, *order(case.kind, forced=case.mode is Mode.FORCED), trouble=point)
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


def _overtake(world: World, case: Case, paused: int) -> None:
    """Let another worker take the rotation over from one that stands still, and end it."""
    _wait_stopped(paused)
    with world.open() as opened, opened.database.write() as connection:
        connection.execute(text("UPDATE lease SET expires_at = '2000-01-01T00:00:00.000000Z'"))
    second = world.folder / "second"
    second.mkdir()
    command(world.environ, second, *order(case.kind, forced=case.mode is Mode.FORCED))


def _wait_stopped(pid: int) -> None:
    status = Path(f"/proc/{pid}/stat")
    eventually(lambda: status.read_text().rpartition(")")[2].split()[0] == "T", "the worker to stop")
