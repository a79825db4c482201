"""Why a call outside failed, and so what may be done next; for whoever calls: providers, agents."""

from __future__ import annotations

from enum import StrEnum

from keysweep.foundation.errors import ExitCode, KeysweepError


class Trouble(StrEnum):
    """Why a call failed: decides what may be done next."""

    REFUSED = "refused"
    """The admin credential may not do this."""
    LIMIT = "limit"
    """The vendor's limit of keys is reached."""
    NOT_FOUND = "not-found"
    REJECTED = "rejected"
    """The request is wrong; repeating it does not help."""
    BUSY = "busy"
    """Throttled, with a definite no effect: repeat after `retry_after_s`."""
    UNCERTAIN = "uncertain"
    """No answer, or a server error: the call may or may not have taken effect."""
    UNREADABLE = "unreadable"
    """An answer that is not what the vendor documents."""


class ProviderError(KeysweepError):
    """A call to a provider failed."""

    exit_code = ExitCode.HALF_WAY

    def __init__(self, message: str, *, trouble: Trouble, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.retry_after_s = retry_after_s
