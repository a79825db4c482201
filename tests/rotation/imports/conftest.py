"""A store, for the tests of imports that go all the way."""

from __future__ import annotations

from tests.commands.conftest import place

__all__ = ["place"]
