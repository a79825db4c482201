"""DigitalOcean: personal and OAuth tokens."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("dop_v1_", "doo_v1_"),
        url="https://api.digitalocean.com/v2/account",
        headers=BEARER,
        alive=(Sign(200, '"account"'),),
        dead=(
            Sign(401, '"Unauthorized"'),
            Sign(401, '"unauthorized"'),
        ),
    ),
)
