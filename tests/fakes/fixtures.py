"""Fixtures that several folders share: the simulated vendors, a real PostgreSQL, a store on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from samples.servers.postgres import Server, running_postgres
from tests.fakes.stores import World, build_world
from tests.fakes.vendors import Vendors, running_vendors


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    """Simulated vendors that no other test uses."""
    with running_vendors() as started:
        yield started


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real server; every test makes a role of its own."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def world(tmp_path: Path, vendors: Vendors) -> World:
    """A store with an OpenAI and an Anthropic credential, and little time for a rotation."""
    return build_world(
        tmp_path / "world", vendors, rotation={"deadline_s": 4.0, "revoke_after_s": 2.0, "settle_s": 0.0}
    )
