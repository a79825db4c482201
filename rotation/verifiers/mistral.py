"""Mistral: its keys have no beginning of their own, so only a key that is stored as one of this vendor is sent there."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=(),
        url="https://api.mistral.ai/v1/models",
        headers=BEARER,
        alive=(Sign(200, '"data"'),),
        dead=(
            Sign(401, '{"detail":"Unauthorized"}'),
            Sign(401, '"message":"Unauthorized","request_id"'),
        ),
    ),
)
