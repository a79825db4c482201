"""Every kind of agent keeps the promise of its seam: a title, settings that say what they mean, and refusals that name them."""

from __future__ import annotations

import re

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import Agent

_NAMES = agent_catalog.names()


@pytest.mark.parametrize("name", _NAMES)
def test_a_kind_says_what_it_is(name: str) -> None:
    """In words that end up in help and pages."""
    agent = agent_catalog.get(name)
    assert isinstance(agent, Agent)
    assert agent.title
    for setting, meaning in agent.settings.items():
        assert re.fullmatch(r"[a-z][a-z_]*\*?", setting), setting
        assert meaning


@pytest.mark.parametrize("name", _NAMES)
def test_the_engine_is_not_kept_busy(name: str) -> None:
    """Between two questions there is time, and not so much that a minute is lost."""
    assert 0.02 <= agent_catalog.get(name).poll_s <= 5


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("value", ["x", "../up", "http://elsewhere.example/", "\n", "-1", "{}"])
def test_settings_that_cannot_work_are_usage_errors(name: str, value: str) -> None:
    """Whatever is stated for every setting at once: taken, or refused with a usage error; never a crash."""
    pairs = [f"{setting.removesuffix('*')}={value}" for setting in agent_catalog.get(name).settings]
    try:
        taken = agent_catalog.settings(name, pairs)
    except UsageError:
        return
    assert len(taken) == len(pairs)
