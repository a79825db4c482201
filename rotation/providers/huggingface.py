"""Hugging Face user access tokens: the vendor has no call that makes one.

The question is throttled hard; a refusal to answer is neither yes nor no.
"""

from __future__ import annotations

from keysweep.rotation.guided import guided
from keysweep.rotation.providers import Runbook

PROVIDER = guided(
    "huggingface",
    title="Hugging Face",
    runbook=Runbook(
        console="https://huggingface.co/settings/tokens",
        create="press Create new token and give it the type and the permissions of the old one",
        end="open the menu of the old token and choose Delete",
    ),
)
