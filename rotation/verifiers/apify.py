"""Apify."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("apify_api_",),
        url="https://api.apify.com/v2/users/me",
        headers=BEARER,
        alive=(Sign(200, '"username"'),),
        dead=(Sign(401, '"user-or-token-not-found"'),),
    ),
)
