"""Fixtures of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from tests.crash.servers import start
from tests.fakes.fixtures import postgres, vendors, world
from tests.fakes.sites import SERVED, Servers

__all__ = ["postgres", "servers_for", "vendors", "world"]


@pytest.fixture(scope="session")
def servers_for() -> Iterator[Callable[[str], Servers]]:
    """Start the server that a kind needs when it is first asked for; a kind whose server is not installed is skipped."""
    with ExitStack() as stack:

        @cache
        def started(kind: str) -> Servers:
            if kind not in SERVED:
                return Servers()
            try:
                return Servers(**{kind: stack.enter_context(start(kind))})
            except RuntimeError as reason:
                pytest.skip(f"{kind}: {reason}")

        yield started
