"""Apify API tokens: made in the console."""

from __future__ import annotations

from keysweep.rotation.guided import guided
from keysweep.rotation.providers import Runbook

PROVIDER = guided(
    "apify",
    title="Apify",
    runbook=Runbook(
        console="https://console.apify.com/settings/integrations",
        create="press Create a new token, with the scope of the old one",
        end="press the bin beside the old token",
    ),
)
