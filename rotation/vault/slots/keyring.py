"""The keyring of the desktop or server: Secret Service, KWallet, macOS Keychain, Windows, by the `keyring` library."""

from __future__ import annotations

import base64
import os
from types import ModuleType

from keysweep.foundation.errors import DeniedError, MissingExtraError, UsageError
from keysweep.rotation.vault.slots import Means, NewKey, Params, Place, Slot

_SERVICE = "keysweep"


def _make(means: Means, place: Place, replaces: Params | None) -> NewKey:
    library = _library()
    if library is None:
        raise MissingExtraError(feature="a slot in the keyring", extra="keyring")
    key, account = os.urandom(32), f"{place.slot}-{os.urandom(4).hex()}"
    try:
        if library.get_keyring().priority <= 0:
            msg = "there is no keyring on this machine"
            raise UsageError(msg, hint="keysweep vault add-slot passphrase")
        library.set_password(_SERVICE, account, base64.b64encode(key).decode())
        kept = library.get_password(_SERVICE, account)
    except (library.errors.KeyringError, RuntimeError) as error:
        raise _unusable(error) from None
    if kept != base64.b64encode(key).decode():
        msg = "the keyring does not give back what it was given"
        raise UsageError(msg, hint="keysweep vault add-slot passphrase")
    done = (lambda: _forget(means, place, replaces)) if replaces is not None else lambda: None
    return NewKey(key=key, params={"account": account}, done=done)


def _keys(means: Means, place: Place, params: Params) -> tuple[bytes, ...]:  # noqa: ARG001  every kind has this shape
    library = _library()
    if library is None:
        return ()
    try:
        kept = library.get_password(_SERVICE, str(params["account"]))
    except (library.errors.KeyringError, RuntimeError) as error:
        raise _unusable(error) from None
    try:
        return (base64.b64decode(kept, validate=True),) if kept else ()
    except ValueError:
        return ()


def _forget(means: Means, place: Place, params: Params) -> None:  # noqa: ARG001  every kind has this shape
    library = _library()
    if library is None:
        return
    try:
        library.delete_password(_SERVICE, str(params["account"]))
    except (library.errors.KeyringError, RuntimeError):
        return  # it opens nothing any longer


def _library() -> ModuleType | None:
    try:
        import keyring
        import keyring.errors
    except ModuleNotFoundError:
        return None
    return keyring


def _unusable(error: Exception) -> DeniedError:
    """Name the kind of failure only: a backend's message may hold what it was given."""
    return DeniedError(
        f"the keyring cannot be used ({type(error).__name__})",
        hint="unlock it, or open the store with another slot: keysweep vault slots",
    )


SLOT = Slot(title="The keyring of this machine", rank=30, make=_make, keys=_keys, forget=_forget)
