"""Where this user's data and caches lie: the XDG folders on Linux, what platformdirs says elsewhere.

Read by hand on Linux because platformdirs costs a tenth of a scan's start-up there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

CONFIG_NAME = "keysweep.toml"
"""Settings of the folder where a user works."""
SHARED_CONFIG_NAME = "pyproject.toml"
"""May hold them too, under `[tool.keysweep]`."""
STORE_NAME = "store.db"
"""The store in the data folder, where no other is named."""
_NAME = "keysweep"
_XDG = sys.platform.startswith("linux")


def data_folder() -> Path:
    """Return the folder for what must be kept."""
    return _folder("XDG_DATA_HOME", ".local/share", "user_data_path")


def cache_folder() -> Path:
    """Return the folder for what may be deleted at any time."""
    return _folder("XDG_CACHE_HOME", ".cache", "user_cache_path")


def state_folder() -> Path:
    """Return the folder for what this machine has seen, which is no user's data and yet must not be deleted."""
    return _folder("XDG_STATE_HOME", ".local/state", "user_state_path")


def _folder(variable: str, below_home: str, elsewhere: str) -> Path:
    if _XDG:
        given = os.environ.get(variable, "").strip()
        return Path(given or os.path.expanduser(f"~/{below_home}")) / _NAME  # noqa: PTH111  the home may not exist
    import platformdirs

    found: Path = getattr(platformdirs, elsewhere)(_NAME)
    return found
