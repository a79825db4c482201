"""xAI API keys: made in the console.  The vendor's management API needs a key of its own and is not used yet."""

from __future__ import annotations

from keysweep.rotation.guided import guided
from keysweep.rotation.providers import Runbook

PROVIDER = guided(
    "xai",
    title="xAI",
    runbook=Runbook(
        console="https://console.x.ai",
        create="open API Keys in the old key's team and press Create API key, with its endpoints and models",
        end="open the menu of the old key and choose Delete",
    ),
)
