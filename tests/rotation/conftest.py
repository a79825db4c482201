"""Servers that tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from samples.servers.moto import Server, running_moto


@pytest.fixture(scope="session")
def aws() -> Iterator[Server]:
    """AWS as moto simulates it, with signatures checked; every test makes a user or a secret of its own."""
    with running_moto() as server:
        yield server
