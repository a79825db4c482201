"""Perplexity: listing one's own requests costs nothing."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("pplx-",),
        url="https://api.perplexity.ai/async/chat/completions",
        headers=BEARER,
        alive=(Sign(200, '"requests"'),),
        dead=(
            Sign(401, "AuthorizationRequired"),
            Sign(401, '"invalid_api_key"'),
        ),
    ),
)
