"""A passphrase, asked for or read from a private file; never on the command line.  Argon2id (RFC 9106), else scrypt (RFC 7914).

The parameters stand in the slot.  They are bound into what the slot seals, and refused where they are dearer than a machine
can pay: whoever can write the store must not be able to make each start run out of memory.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from keysweep.foundation.errors import DeniedError, IntegrityError, UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.vault.slots import Means, NewKey, Params, Place, Slot

FILE = "KEYSWEEP_PASSPHRASE_FILE"
"""Names a private file, or /dev/fd/N for a pipe that the caller opened."""
NEW_FILE = "KEYSWEEP_NEW_PASSPHRASE_FILE"
"""Names the file of a passphrase that is being set, where another one opens the store."""
_SHORTEST = 12
_LARGEST = 1024
_ARGON2: Params = {"kdf": "argon2id", "iterations": 3, "lanes": 4, "memory_kib": 64 * 1024}
_SCRYPT: Params = {"kdf": "scrypt", "n": 1 << 17, "r": 8, "p": 1}
_DEAREST = {"iterations": 64, "lanes": 16, "memory_kib": 1 << 21, "n": 1 << 20, "r": 32, "p": 16}


def unattended(means: Means) -> Means:
    """Return what is left of *means* later in a process: no person is asked, and a pipe gives its passphrase once only."""
    once = (FILE, NEW_FILE)
    environ = {name: value for name, value in means.environ.items() if name not in once or Path(value).is_file()}
    return replace(means, ask=None, environ=environ)


def _make(means: Means, place: Place, replaces: Params | None) -> NewKey:
    new = _name("New passphrase" if replaces is not None else "Passphrase", place)
    passphrase = _said(means, new, NEW_FILE, FILE)
    if passphrase is None:
        msg = "a passphrase is asked for on a terminal, or read from a private file"
        if replaces is not None:
            raise UsageError(msg, hint=f"{NEW_FILE}=FILE keysweep vault rekey-slot SLOT")
        raise UsageError(msg, hint=f"{FILE}=FILE keysweep vault add-slot passphrase")
    if len(passphrase) < _SHORTEST:
        passphrase.wipe()
        msg = f"a passphrase has at least {_SHORTEST} characters"
        raise UsageError(msg, hint="take several words")
    if means.ask is not None and not {FILE, NEW_FILE} & set(means.environ):
        again = means.ask(f"{new}, again")
        if again != passphrase:
            msg = "the two passphrases differ"
            raise UsageError(msg, hint="keysweep vault add-slot passphrase")
        again.wipe()
    salt = os.urandom(16).hex()
    try:
        params = {**_ARGON2, "salt": salt}
        key = _derived(passphrase, params)
    except UnsupportedAlgorithm:  # OpenSSL before 3.2
        params = {**_SCRYPT, "salt": salt}
        key = _derived(passphrase, params)
    passphrase.wipe()
    return NewKey(key=key, params=params)


def _keys(means: Means, place: Place, params: Params) -> tuple[bytes, ...]:
    passphrase = _said(means, _name("Passphrase", place), FILE)
    if passphrase is None:
        return ()
    try:
        return (_derived(passphrase, params),)
    except UnsupportedAlgorithm as error:
        msg = "this machine's OpenSSL has no Argon2id, which the slot was made with"
        raise DeniedError(msg, hint="open the store with another slot: keysweep vault slots") from error
    finally:
        passphrase.wipe()


def _name(what: str, place: Place) -> str:
    return f"{what} of the slot {place.label}" if place.label else f"{what} of the store"


def _said(means: Means, what: str, *variables: str) -> Secret | None:
    for variable in variables:
        if name := means.environ.get(variable):
            return _read(variable, name)
    return means.ask(what) if means.ask is not None else None


def _read(variable: str, name: str) -> Secret:
    """Read a private file or a pipe; one newline at its end is no part of a passphrase."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        msg = f"cannot read the file that {variable} names: {error.strerror}"
        raise DeniedError(msg, hint=f"check {variable}") from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        private = stat.S_ISFIFO(status.st_mode) or (
            stat.S_ISREG(status.st_mode) and not stat.S_IMODE(status.st_mode) & 0o077
        )
        if not private:
            msg = f"the file that {variable} names is open to other users"
            raise DeniedError(msg, hint="chmod 600 on it")
        return Secret(file.read(_LARGEST).removesuffix(b"\n").removesuffix(b"\r"))


def _derived(passphrase: Secret, params: Params) -> bytes:
    for name, dearest in _DEAREST.items():
        value = params.get(name, 1)
        if not isinstance(value, int) or not 0 < value <= dearest:
            msg = f"the slot's {name} is not what keysweep writes"
            raise IntegrityError(msg, hint="open the store with another slot: keysweep vault slots")
    salt = bytes.fromhex(str(params["salt"]))
    if params["kdf"] == "argon2id":
        return Argon2id(
            salt=salt,
            length=32,
            iterations=int(params["iterations"]),
            lanes=int(params["lanes"]),
            memory_cost=int(params["memory_kib"]),
        ).derive(passphrase.reveal())
    return Scrypt(salt=salt, length=32, n=int(params["n"]), r=int(params["r"]), p=int(params["p"])).derive(
        passphrase.reveal()
    )


SLOT = Slot(title="A passphrase (Argon2id)", rank=90, make=_make, keys=_keys)
