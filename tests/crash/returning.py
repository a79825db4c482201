"""How a rotation dies at the crash points off its way forward: where it waits, goes back, is lifted or taken up once more."""

from __future__ import annotations

import signal

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.steps import Step
from keysweep.rotation.inventory import replace_value
from keysweep.rotation.providers import Kind
from tests.crash.breaking import ENDS, GETS
from tests.crash.cases import Case, step
from tests.crash.promises import by_hand, check, check_back, order, provider_of, recover
from tests.fakes.command_line import Before, Ended, Point, Trouble, command
from tests.fakes.stores import NAMES, World
from tests.rotation.engine.earlier import leaked_thrice

PLAYED = frozenset({21, 22, 23, 24, 25})
_NO_WAY_BACK = frozenset({Kind.ROLL})
_BACK = (
    Point(Step.ROLL_BACK.value, "intent"),
    Before("UPDATE version"),
    Point(Step.ROLL_BACK.value, "effect"),
    Point(Step.ROLL_BACK.value, "outcome"),
)
"""Where a return dies: before anything, in the middle of what it changes first, when all is done and not written down, behind it."""
_LIFTED = (Before("UPDATE rotation_terms"), "intent", "effect")
_CLOSED = ("--override-breaker", "--reason", "the source is closed")


def play(world: World, case: Case, supervisor: int) -> None:
    """Let it happen, take it up again, and hold the world to the promises."""
    match case.point:
        case 21:
            _in_grace(world, case)
            recover(world, case.kind, forced=case.forced, resume=True)
        case 22 | 25:
            until = Point((Step.PROMOTE if case.point == 22 else Step.ACTIVATE).value, "outcome")
            _ordered(world, case, until)
            if _aborted(world, case):
                _taken_up(world, case, supervisor)
                return
            recover(world, case.kind, forced=case.forced)
        case 23:
            _lifted(world, case)
        case 24:
            _killed_twice(world, case)
            recover(world, case.kind, forced=case.forced)
    check(world, case.kind, supervisor)


def _in_grace(world: World, case: Case) -> None:
    """A key that is replaced without haste lives on for an hour; the hour is cut short, or the key leaks in it."""
    began = command(world.environ, world.folder, *order(case.kind, forced=False), "--grace", "1h")
    if began.code == 2:
        assert "it cannot live on for a while" in began.output, began.output
        assert world.unfinished() == (), "a rotation was begun though its terms cannot be kept"
        _ordered(world, case, Point(Step.PROMOTE.value, "outcome"), forced=case.forced)
        return
    assert began.code == 0, began.output
    assert world.accepts(case.kind, world.planted[case.kind]), "it does not live on"
    moment = case.one_of(("intent", "effect", "outcome"))
    if case.forced:
        first = step(case, ENDS)
        _dies(
            world, *order(case.kind, forced=True), trouble=Point(first, moment if first != "prove-dead" else "effect")
        )
    else:
        _dies(world, *_resume(world), "--grace", "0s", trouble=Point(Step.GRACE.value, moment))


def _aborted(world: World, case: Case) -> bool:
    """Return to the old key and die on the way; False where there is none, which the command says."""
    arguments = ("rotate", "--abort", world.unfinished()[0].id[:12], "--reason", "a person wants it back")
    if provider_of(case.kind) in _NO_WAY_BACK:
        refused = command(world.environ, world.folder, *arguments)
        assert refused.code == 2, refused.output
        assert "only goes forward" in refused.output, refused.output
        return False
    _dies(world, *arguments, trouble=case.one_of(_BACK))
    return True


def _taken_up(world: World, case: Case, supervisor: int) -> None:
    """The return is ended by whoever takes it up; a key that has leaked meanwhile is replaced after all."""
    if case.forced:
        recover(world, case.kind, forced=True)
        check(world, case.kind, supervisor, promotions=2)
        return
    if open_ones := world.unfinished():
        again = ("--abort", "--resume")[case.seed // len(_BACK) % 2]
        ended = command(world.environ, world.folder, "rotate", again, open_ones[0].id[:12])
        assert ended.code == (0 if again == "--abort" else 4), ended.output
    check_back(world, case.kind, supervisor)


def _lifted(world: World, case: Case) -> None:
    """A key was only contained; what it lacked comes, and the rotation dies where it goes on."""
    waits_for_one = provider_of(case.kind) in {Kind.DEACTIVATE_ONLY, Kind.MANUAL}
    if not waits_for_one:
        leaked_thrice(world, case.kind)
    contained = command(world.environ, world.folder, *order(case.kind, forced=True))
    assert contained.code == 5, contained.output
    assert "Next: keysweep " in contained.output, contained.output
    by_hand(world, case.kind)
    if waits_for_one:
        _hand_in(world, case.kind)
    more = () if waits_for_one else _CLOSED
    chosen = case.one_of(_LIFTED)
    trouble: Trouble = chosen if isinstance(chosen, Before) else Point(step(case, GETS), chosen)
    if provider_of(case.kind) is Kind.ROLL or case.kind in {"fake_set", "postgresql"}:
        trouble = chosen if isinstance(chosen, Before) else Point(Step.STAGE.value, chosen)
    _dies(world, *_resume(world), *more, trouble=trouble)
    recover(world, case.kind, forced=True, more=more, resume=True)


def _hand_in(world: World, kind: str) -> None:
    """Store a standby that a person has made."""
    manual = provider_of(kind) is Kind.MANUAL
    spare = world.vendors.seed(kind, "standby", status="active" if manual else "inactive")
    world.planted["standby"], world.ids["standby"] = spare.value, spare.id
    with world.open() as opened:
        replace_value(opened, NAMES[kind], Secret(spare.value), key_id=spare.id, standby=True, actor="cli:test")


def _killed_twice(world: World, case: Case) -> None:
    """It dies where the old key goes, and whoever takes it up dies there as well; where a person ends it, they have by then."""
    ends = Step.PROVE_DEAD.value
    if provider_of(case.kind) is Kind.MANUAL:
        waits = command(world.environ, world.folder, *order(case.kind, forced=case.forced))
        assert waits.code == 5, waits.output
        by_hand(world, case.kind)
    else:
        _ordered(world, case, Point(ends, "intent"), forced=case.forced)
    _dies(world, *_resume(world), trouble=Point(ends, case.one_of(("intent", "effect", "outcome"))))


def _ordered(world: World, case: Case, until: Point, *, forced: bool = False) -> None:
    _dies(world, *order(case.kind, forced=forced), trouble=until)


def _dies(world: World, *arguments: str, trouble: Trouble) -> Ended:
    died = command(world.environ, world.folder, *arguments, trouble=trouble)
    assert died.code == -signal.SIGKILL, f"it was not killed at {trouble}: {died.code} {died.output}"
    return died


def _resume(world: World) -> tuple[str, ...]:
    return ("rotate", "--resume", world.unfinished()[0].id[:12])
