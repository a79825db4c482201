"""How names that come from a file are shown: without control characters, not endless, and never if they look like a key."""

from __future__ import annotations

from keysweep.foundation.errors import UsageError
from keysweep.foundation.shown import visible
from keysweep.rotation.public_text import KeyInPublicTextError, public_text

_LONGEST = 100
HIDDEN = "(a name that looks like a key)"


def looks_like_a_key(name: str) -> bool:
    """Whether a name is, or holds, a key."""
    try:
        public_text(name, what="name")
    except KeyInPublicTextError:
        return True
    except UsageError:
        return False
    return False


def shown(name: str) -> str:
    """Return a name that can be printed."""
    if looks_like_a_key(name[:1000]):
        return HIDDEN
    plain = visible(name)
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}..."
