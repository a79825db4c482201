"""The crash points of a rotation, for every kind of adapter and both modes: what a case is, and how one is played."""

from __future__ import annotations

import random
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from keysweep.rotation import provider_catalog
from keysweep.rotation.engine.plan import plan
from keysweep.rotation.engine.steps import Mode, Step
from tests.fakes.sites import Servers
from tests.fakes.stores import build_world
from tests.fakes.vendors import running_vendors

_Choice = TypeVar("_Choice")
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
    21: "where the grace of the old key ends",
    22: "the old key is made current again",
    23: "where containment is lifted",
    24: "killed once more where it was taken up, or waited for a person",
    25: "aborted by a person with the agents half moved",
}
FORCED_ONLY = frozenset({23})
"""Points that a planned rotation does not come to."""
MADE_UP = ("fake_mint", "fake_slots", "fake_readable", "fake_roll", "fake_set", "fake_standby", "fake_manual")
KINDS = (
    "openai", "anthropic", "postgresql", *MADE_UP,
    "cloudflare", "gitlab", "google_service_account", "google_api_key", "azure_ai", "openrouter", "datadog", "redis", "mysql", "aws",
    "stripe",
)  # fmt: skip
_QUICK = {"settle_s": 0.0, "deadline_s": 40.0, "revoke_after_s": 20.0, "stop_grace_s": 2.0, "forced_stop_grace_s": 1.0}


@dataclass(frozen=True)
class Case:
    """One crash: where, of what, and the number that every random choice comes from."""

    kind: str
    mode: Mode
    point: int
    seed: int

    def __str__(self) -> str:
        return f"{self.kind} {self.mode.value} {self.point} ({POINTS[self.point]}) seed {self.seed}"

    @property
    def forced(self) -> bool:
        """Whether the key has leaked."""
        return self.mode is Mode.FORCED

    def one_of(self, choices: Sequence[_Choice]) -> _Choice:
        """Choose as the seed says; choices that are made one after the other do not depend on each other."""
        return choices[self.seed % len(choices)]


def cases(kinds: tuple[str, ...] = KINDS, seed: int = 0) -> list[Case]:
    """Return every point of every kind in both modes."""
    return [
        Case(kind, mode, point, seed)
        for point in POINTS
        for kind in kinds
        for mode in Mode
        if mode is Mode.FORCED or point not in FORCED_ONLY
    ]


def random_case(seed: int, kinds: tuple[str, ...] = KINDS) -> Case:
    """Return the case that a number stands for; half of them die at any moment."""
    choose = random.Random(seed)
    point = choose.choice([19] * len(POINTS) + list(POINTS))
    mode = Mode.FORCED if point in FORCED_ONLY else choose.choice(list(Mode))
    return Case(choose.choice(kinds), mode, point, seed)


def play(case: Case, servers: Servers) -> None:
    """Let it happen in a world of its own, do what a person does, and hold the world to the promises.

    Raises:
        AssertionError: one is broken.
    """
    from tests.crash import breaking, returning
    from tests.crash.promises import check, recover, running_agent

    with tempfile.TemporaryDirectory(prefix="keysweep-crash-") as folder, running_vendors() as vendors:
        world = build_world(
            Path(folder) / "world",
            vendors,
            kinds=(case.kind,),
            servers=servers,
            rotation=_QUICK,
            standby=case.point not in FORCED_ONLY,
            hurried=True,
        )
        with running_agent(world, case.kind) as supervisor:
            if case.point in returning.PLAYED:
                returning.play(world, case, supervisor)
                return
            breaking.play(world, case)
            recover(world, case.kind, forced=case.forced, resume=random.Random(case.seed).random() < 0.5)
            check(world, case.kind, supervisor)


def broken(servers: Servers, case: Case) -> str:
    """Play a case and return the trace of the promise that it broke, empty if it broke none."""
    try:
        play(case, servers)
    except Exception:
        return traceback.format_exc()
    return ""


def steps(case: Case) -> tuple[Step, ...]:
    """Return the steps of the rotation in question."""
    return plan(provider_catalog.get(case.kind).facts, case.mode, standby=True, has_admin=True).steps


def step(case: Case, among: tuple[Step, ...]) -> str:
    """Return the first of some steps that this rotation has."""
    return next(one for one in among if one in steps(case)).value
