"""Mistral API keys: the vendor's API manages service accounts, and issues no keys."""

from __future__ import annotations

from datetime import timedelta

from keysweep.rotation.guided import guided
from keysweep.rotation.providers import Runbook

PROVIDER = guided(
    "mistral",
    title="Mistral",
    runbook=Runbook(
        console="https://console.mistral.ai/api-keys",
        create="press Create new key, in the workspace of the old one",
        end="open the menu of the old key and choose Delete",
    ),
    window=timedelta(minutes=1),
)
