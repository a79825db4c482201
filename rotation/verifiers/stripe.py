"""Stripe: secret and restricted keys of today; the older ones are short, and those of another vendor begin and look like them."""

from __future__ import annotations

from keysweep.rotation.verifiers import BEARER, Question, Sign

QUESTIONS = (
    Question(
        prefixes=("sk_live_51", "sk_test_51", "rk_live_51", "rk_test_51"),
        shortest=90,
        url="https://api.stripe.com/v1/balance",
        headers=BEARER,
        alive=(
            Sign(200, '"balance"'),
            Sign(403, "requiredpermissions"),
        ),
        dead=(
            Sign(401, "InvalidAPIKey"),
            Sign(401, "ExpiredAPIKey"),
            Sign(401, '"api_key_expired"'),
        ),
    ),
)
