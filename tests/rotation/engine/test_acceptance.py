"""How long a new key is given until its vendor accepts it: as long as that vendor may need, and never past the cut of a leaked one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation import provider_catalog
from keysweep.rotation.engine.begin import Request
from keysweep.rotation.engine.report import Report, Timer
from keysweep.rotation.engine.rotate import rotate
from keysweep.rotation.engine.steps import Mode, Outcome, Result, Step
from keysweep.rotation.providers import SOON, Account, Liveness, Verdict
from tests.fakes.stores import NAMES, World, build_world
from tests.fakes.vendors import Vendors

_ENTRA = provider_catalog.get("entra_app").facts.accepted_within


class Time:
    """A monotonic clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    @property
    def timer(self) -> Timer:
        """What the engine waits with."""
        return Timer(monotonic=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def world(tmp_path: Path, vendors: Vendors) -> World:
    """A store with the usual deadlines."""
    return build_world(tmp_path / "world", vendors, kinds=("openai",))


def _rotated(world: World, slow: timedelta, mode: Mode, refused_s: float, monkeypatch: pytest.MonkeyPatch) -> Report:
    """Rotate at a vendor that may need *slow* to accept a new key, and refuses this one for so long."""
    provider, time = provider_catalog.get("openai"), Time()
    since: list[float] = []

    def probe(account: Account, secret: Secret) -> Verdict:
        if secret.reveal_text() == world.planted["openai"]:
            return provider.probe(account, secret)
        since.append(time.now)
        if time.now - since[0] < refused_s:
            return Verdict(liveness=Liveness.DEAD, code="401")
        return provider.probe(account, secret)

    made = replace(provider, probe=probe, facts=replace(provider.facts, accepted_within=slow))
    monkeypatch.setattr(provider_catalog, "get", lambda _: made)
    with world.open() as opened:
        return rotate(opened, Request(credential=NAMES["openai"], mode=mode, reason="test"), timer=time.timer)


@pytest.mark.parametrize(
    ("slow", "mode", "refused_s", "outcome"),
    [
        (SOON, Mode.PLANNED, 14, Outcome.DONE),
        (SOON, Mode.PLANNED, 20, Outcome.ROLLED_BACK),
        (_ENTRA, Mode.PLANNED, 110, Outcome.DONE),
        (_ENTRA, Mode.PLANNED, 125, Outcome.ROLLED_BACK),
        (_ENTRA, Mode.FORCED, 25, Outcome.DONE),
        (_ENTRA, Mode.FORCED, 110, Outcome.HALF_WAY),
    ],
)
def test_a_new_key_has_the_time_that_its_vendor_may_need(
    slow: timedelta, mode: Mode, refused_s: float, outcome: Outcome, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than the whole rotation usually may take, where its page says so; a leaked key is cut on time all the same."""
    report = _rotated(world, slow, mode, refused_s, monkeypatch)
    assert report.outcome is outcome, report.failure
    if outcome is Outcome.DONE:
        (seen,) = [event for event in report.events if event.step is Step.VERIFY_NEW and event.result is Result.OK]
        assert int(seen.detail["probes"] or 0) <= 75  # a slow vendor is not asked five times a second
    lives = world.accepts("openai", world.planted["openai"])
    assert lives is (outcome is Outcome.ROLLED_BACK)


def test_only_vendors_that_need_it_are_waited_for_longer() -> None:
    """The fact stands on the vendor's page."""
    slow = {name for name in provider_catalog.names() if provider_catalog.get(name).facts.accepted_within > SOON}
    assert slow == {"aws", "entra_app", "google_service_account"}
