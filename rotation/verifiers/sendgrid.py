"""SendGrid."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("SG.",),
        url="https://api.sendgrid.com/v3/scopes",
        headers=BEARER,
        alive=(Sign(200, '"scopes"'),),
        dead=(
            Sign(401, "authorizationrequired"),
            Sign(401, "authorizationgrantisinvalid"),
        ),
    ),
)
