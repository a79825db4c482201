"""Replicate API tokens: made on the account's page."""

from __future__ import annotations

from keysweep.rotation.guided import guided
from keysweep.rotation.providers import Runbook

PROVIDER = guided(
    "replicate",
    title="Replicate",
    runbook=Runbook(
        console="https://replicate.com/account/api-tokens",
        create="name a token after its agent and press Create token",
        end="press Disable or Delete beside the old token",
    ),
)
