"""An agent that runs under `keysweep run`: the supervisor restarts it, and reads what it holds from the kernel."""

from __future__ import annotations

from keysweep.rotation import supervised
from keysweep.rotation.agents import Agent

AGENT = Agent(
    title="A process under `keysweep run`",
    deliver=supervised.deliver,
    activate=supervised.activate,
    attest=supervised.attest,
    nudge=supervised.activate,
    named=lambda _settings, variable: variable,
)
