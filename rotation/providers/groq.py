"""Groq API keys: the vendor has no call for keys."""

from __future__ import annotations

from keysweep.rotation.guided import guided
from keysweep.rotation.providers import Runbook

PROVIDER = guided(
    "groq",
    title="Groq",
    runbook=Runbook(
        console="https://console.groq.com/keys",
        create="press Create API Key",
        end="press the bin beside the old key",
    ),
)
