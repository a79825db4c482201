"""The agent behind its broker: started with placeholders of its own, and ended with it; its exit code is the broker's."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation import instances
from keysweep.rotation.broker import placeholders, routes
from keysweep.rotation.broker.listen import Address
from keysweep.rotation.broker.server import Broker
from keysweep.rotation.processes import end_with_parent
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def environment(
    opened: OpenVault, agent: instances.AgentRecord, address: Address, made: Mapping[str, Secret]
) -> dict[str, str]:
    """Return what the agent needs in its environment: a placeholder and an address for each variable."""
    found: dict[str, str] = {}
    with opened.database.read() as connection:
        for variable, credential in agent.bindings.items():
            provider = store.credential_by_id(connection, credential).provider
            name, url = routes.base_url(variable, provider, address, agent=agent.settings)
            found[variable], found[name] = made[variable].reveal_text(), url
    return found


async def run(
    opened: OpenVault,
    agent: instances.AgentRecord,
    address: Address,
    command: Sequence[str],
    environ: Mapping[str, str],
) -> int:
    """Serve as long as *command* runs, and return its exit code; 128 plus the signal's number if one ended it.

    Raises:
        UsageError: it cannot be started, or the broker cannot listen.
    """
    made = {held: placeholders.make() for held in dict.fromkeys(agent.bindings.values())}
    broker = Broker(
        opened, agent, address, {held: opened.fingerprinter.of(placeholder) for held, placeholder in made.items()}
    )
    bound: asyncio.Future[Address] = asyncio.get_running_loop().create_future()
    ended = asyncio.Event()
    serving = asyncio.create_task(broker.run(bound.set_result, ended))
    await asyncio.wait((serving, bound), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
        return 0
    given = environment(
        opened, agent, bound.result(), {variable: made[held] for variable, held in agent.bindings.items()}
    )
    inherited = {name: value for name, value in environ.items() if not name.startswith("KEYSWEEP_")}
    try:
        return await _command(command, {**inherited, **given}, opened.settings.rotation.stop_grace_s)
    finally:
        ended.set()
        await serving


async def _command(command: Sequence[str], environ: Mapping[str, str], grace_s: float) -> int:
    try:
        process = await asyncio.create_subprocess_exec(
            *command, env=environ, start_new_session=not os.isatty(0), preexec_fn=end_with_parent
        )
    except OSError as error:
        msg = f"cannot start {command[0]}: {error.strerror}"
        raise UsageError(msg) from None
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()

    def forward(number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            process.send_signal(number)
        if number in {signal.SIGTERM, signal.SIGINT}:
            ending.set()

    for number in _FORWARDED:
        loop.add_signal_handler(number, forward, number)
    waiting, told = asyncio.create_task(process.wait()), asyncio.create_task(ending.wait())
    await asyncio.wait((waiting, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not waiting.done():
        await asyncio.wait((waiting,), timeout=grace_s)
        if not waiting.done():
            process.kill()
    code = await waiting
    return 128 - code if code < 0 else code
