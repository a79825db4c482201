"""Why the broker does not pass a request on, as whoever sent it is told."""

from __future__ import annotations


class RefusedRequestError(Exception):
    """A request that goes nowhere.  Holds nothing of what was sent.

    Args:
        status: of the answer.
        code: one word for programs.
        message: one sentence for people.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
