"""Slack: answers 200 in either case, and says in the body which it is."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("xoxb-", "xoxp-"),
        url="https://slack.com/api/auth.test",
        method="POST",
        headers=BEARER,
        alive=(Sign(200, '"ok":true'),),
        dead=(
            Sign(200, '"invalid_auth"'),
            Sign(200, '"token_revoked"'),
            Sign(200, '"token_expired"'),
            Sign(200, '"account_inactive"'),
        ),
    ),
)
