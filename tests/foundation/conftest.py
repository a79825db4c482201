"""Stores on both engines for the tests of the floor."""

from __future__ import annotations

from tests.fakes.engines import engine_server, opened, opened_sqlite, store, store_url

__all__ = ["engine_server", "opened", "opened_sqlite", "store", "store_url"]
