"""Here the migrations themselves are what is tested."""

from __future__ import annotations

import pytest


@pytest.fixture
def quick_stores() -> bool:
    """Every store is migrated."""
    return False
