"""One store, one upstream and one broker for all the tests of what passes through it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.fakes.brokers import Running, add_agent, running_broker
from tests.fakes.stores import VARIABLES, World, build_world
from tests.fakes.upstreams import Upstream, running_upstream
from tests.fakes.vendors import running_vendors

BASE = "/base"


@dataclass(frozen=True)
class Scene:
    """A broker before an upstream that a test scripts."""

    world: World
    upstream: Upstream
    broker: Running

    @property
    def key(self) -> str:
        """The current value of the OpenAI credential."""
        return self.world.planted["openai"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Made once a module; its tests leave the keys as they are."""
    with running_vendors() as vendors, running_upstream() as upstream:
        world = build_world(tmp_path_factory.mktemp("broker") / "world", vendors, kinds=("openai", "anthropic"))
        where = f"http://127.0.0.1:{upstream.port}{BASE}"
        with world.open() as opened:
            upstreams = f"{VARIABLES['openai']}={where} {VARIABLES['anthropic']}={where}"
            add_agent(opened, "openai", "anthropic", settings={"upstream": upstreams})
        with running_broker(world) as broker:
            yield Scene(world, upstream, broker)


@pytest.fixture
def scene(served: Scene) -> Scene:
    """The same, with an upstream that has heard nothing yet."""
    served.upstream.reset()
    return served
