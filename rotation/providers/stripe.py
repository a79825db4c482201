"""Stripe secret and restricted keys: the vendor has a call for them only in a private preview, so a person rolls them.

An expired key goes on working for minutes.  "Roll key" in the dashboard makes the new one and ends the old one at a time that one chooses:
choose a time later than the hand-over, not "now", and end the old one when keysweep says so.
"""

from __future__ import annotations

from datetime import timedelta

from keysweep.rotation.guided import guided
from keysweep.rotation.providers import Runbook

PROVIDER = guided(
    "stripe",
    title="Stripe",
    runbook=Runbook(
        console="https://dashboard.stripe.com/apikeys",
        create="press Create restricted key or Create secret key and give it the permissions of the old one",
        end="open the menu of the old key and choose Expire key, at once",
    ),
    window=timedelta(minutes=5),
)
