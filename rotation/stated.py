"""What people state about stored keys, held against the store's own values before it is kept."""

from __future__ import annotations

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.public_text import public_text
from keysweep.rotation.vault import whose
from keysweep.rotation.vault.unlock import OpenVault


def checked(opened: OpenVault, text: str, *, what: str) -> str:
    """Return *text* if it may be public in this store, whose own values are asked for, too: those under a new master key as well.

    Raises:
        KeyInPublicTextError: it holds what looks like a key, or a stored value.
    """
    with opened.database.read() as connection:

        def is_value(word: str) -> bool:
            forms = opened.ring.forms(connection, opened.fingerprinter.of(Secret(word)))
            return whose.by_fingerprint(connection, *forms) is not None

        return public_text(text, what=what, is_value=is_value)


def stated(opened: OpenVault, text: str, *, what: str) -> str:
    """Return *text* if it may be public, and says something.

    Raises:
        KeyInPublicTextError: it holds what looks like a key, or a stored value.
        UsageError: it is empty.
    """
    if not (clean := checked(opened, text, what=what)):
        msg = f"the {what} is empty"
        raise UsageError(msg)
    return clean
