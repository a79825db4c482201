"""Fixtures of this folder."""

from tests.fakes.fixtures import postgres, vendors, world

__all__ = ["postgres", "vendors", "world"]
