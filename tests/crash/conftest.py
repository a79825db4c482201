"""Fixtures of the crash tests: vendors of their own for each test, one PostgreSQL server for all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from samples.servers.postgres import Server, running_postgres
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
