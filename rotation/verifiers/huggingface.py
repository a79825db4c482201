"""Hugging Face: tokens of users."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("hf_",),
        url="https://huggingface.co/api/whoami-v2",
        headers=BEARER,
        alive=(Sign(200, '"name"'),),
        dead=(
            Sign(401, '"Invalidusernameorpassword'),
            Sign(401, '"InvalidcredentialsinAuthorizationheader'),
        ),
    ),
)
