"""A credential that systemd decrypts for one unit: `LoadCredentialEncrypted=`, read from $CREDENTIALS_DIRECTORY.

Its content is a key file.  systemd gives the folder to that unit alone and holds it in memory that is not swapped.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from keysweep.foundation.errors import DeniedError, UsageError
from keysweep.rotation.vault.slots import Means, NewKey, Params, Place, Slot
from keysweep.rotation.vault.slots.key_file import parse_keys

DIRECTORY = "CREDENTIALS_DIRECTORY"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DEFAULT = "keysweep.key"
_LARGEST = 1024


def _make(means: Means, place: Place, replaces: Params | None) -> NewKey:  # noqa: ARG001  every kind has this shape
    name = str(means.wanted.get("name") or (replaces or {}).get("name") or _DEFAULT)
    if not _NAME.fullmatch(name):
        msg = "the name of a credential has letters, digits and . _ - only"
        raise UsageError(msg, hint="keysweep vault add-slot systemd-credential --name keysweep.key")
    keys = _read(means, name)
    if not keys:
        msg = f"systemd gives this process no credential called {name}"
        raise UsageError(
            msg,
            hint="make a key file, encrypt it with systemd-creds encrypt, and run this in a unit with"
            f" LoadCredentialEncrypted={name}",
        )
    return NewKey(key=keys[0], params={"name": name})


def _keys(means: Means, place: Place, params: Params) -> tuple[bytes, ...]:  # noqa: ARG001  every kind has this shape
    name = str(params["name"])
    return _read(means, name) if _NAME.fullmatch(name) else ()


def _read(means: Means, name: str) -> tuple[bytes, ...]:
    folder = means.environ.get(DIRECTORY)
    if not folder:
        return ()
    try:
        handle = os.open(Path(folder) / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return ()
    except OSError as error:
        msg = f"cannot read the systemd credential {name}: {error.strerror}"
        raise DeniedError(msg, hint="check LoadCredentialEncrypted= of the unit") from error
    with os.fdopen(handle, "rb") as file:
        keys = parse_keys(file.read(_LARGEST))
    if not keys:
        msg = f"the systemd credential {name} does not hold a keysweep key"
        raise DeniedError(msg, hint="encrypt the content of a key file")
    return keys


SLOT = Slot(title="A systemd credential", rank=20, make=_make, keys=_keys)
