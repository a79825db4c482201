"""Replicate."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("r8_",),
        url="https://api.replicate.com/v1/account",
        headers=BEARER,
        alive=(Sign(200, '"username"'),),
        dead=(Sign(401, '"Unauthenticated"'),),
    ),
)
