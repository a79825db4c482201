"""DigitalOcean personal access tokens: no token can make another."""

from __future__ import annotations

from keysweep.rotation.guided import guided
from keysweep.rotation.providers import Runbook

PROVIDER = guided(
    "digitalocean",
    title="DigitalOcean",
    runbook=Runbook(
        console="https://cloud.digitalocean.com/account/api/tokens",
        create="press Generate New Token, with the scopes of the old one",
        end="open the menu of the old token and choose Delete",
    ),
)
