"""Groq."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("gsk_",),
        url="https://api.groq.com/openai/v1/models",
        headers=BEARER,
        alive=(Sign(200, '"data"'),),
        dead=(Sign(401, '"invalid_api_key"'),),
    ),
)
