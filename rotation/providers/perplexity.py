"""Perplexity API keys: made in the vendor's API portal."""

from __future__ import annotations

from keysweep.rotation.guided import guided
from keysweep.rotation.providers import Runbook

PROVIDER = guided(
    "perplexity",
    title="Perplexity",
    runbook=Runbook(
        console="https://www.perplexity.ai/account/api/keys",
        create="press Generate API Key, in the group of the old one",
        end="press Delete beside the old key",
    ),
)
