"""A store that `keysweep init` made, for the tests of commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from keysweep.foundation.settings import Settings
from keysweep.rotation.vault.unlock import initialise


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A fresh store and its key file, which the environment of the test names."""
    settings = Settings(store=str(tmp_path / "store" / "store.db"), key_file=tmp_path / "store" / "store.key")
    initialise(settings)
    monkeypatch.setenv("KEYSWEEP_STORE", settings.store)
    monkeypatch.setenv("KEYSWEEP_KEY_FILE", str(settings.key_file))
    return settings
