"""`pytest tests/golden --update-golden` writes the expected outputs anew."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that `make golden` gives."""
    parser.addoption("--update-golden", action="store_true", help="Write the expected outputs anew; review the diff.")
