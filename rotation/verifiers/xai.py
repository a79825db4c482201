"""xAI: a refused key is answered as a bad request."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("xai-",),
        url="https://api.x.ai/v1/api-key",
        headers=BEARER,
        alive=(Sign(200, '"api_key_id"'),),
        dead=(
            Sign(400, "IncorrectAPIkey"),
            Sign(400, "Incorrect%20API%20key"),
        ),
    ),
)
