"""OpenRouter."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("sk-or-v1-",),
        url="https://openrouter.ai/api/v1/key",
        headers=BEARER,
        alive=(Sign(200, '"data"'),),
        dead=(Sign(401, '"code":401'),),
    ),
)
