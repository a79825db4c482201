"""OpenClaw: nothing lies on its disk, it asks `keysweep resolve`; `secrets.reload` makes its gateway ask again, and must end without a warning.

Its configuration names an exec provider whose command runs `keysweep resolve --agent NAME --format openclaw` (a file of its own user's,
no link), and SecretRefs whose id is the variable or the credential's name.  The reload goes over the gateway's WebSocket, with the token
and the client name that the gateway reserves for helpers on its own host; a gateway elsewhere is reloaded by `cli`.  A reload with a
warning, or one in which the gateway did not ask for this credential, is a failure: it serves on with the old key.  One that does not
listen gets the new key when it starts.  Proven on the gateway 2026.9.6 from npm, and on a stand-in.
"""

from __future__ import annotations

import socket
from datetime import timedelta
from urllib.parse import urlsplit

from keysweep.foundation.clock import system_clock
from keysweep.rotation import standing
from keysweep.rotation.agents import Agent, AgentError, Attestation, Delivery, Holding
from keysweep.rotation.gateway import DEFAULT_URL, Reload, reload_by_cli, reload_by_rpc

_METHOD = "openclaw-reload"
_COLD_START = timedelta(minutes=3)
"""A gateway that asks and does not listen yet may be starting: that takes over a minute on a small host."""


def _deliver(delivery: Delivery) -> None:
    """Let the resolver serve this version; the gateway is not told yet."""
    with delivery.database.write() as connection:
        standing.want(connection, delivery.agent, delivery.version, system_clock())


def _activate(delivery: Delivery) -> None:
    """Have the gateway ask again.  One that does not run asks when it starts."""
    with delivery.database.write() as connection:
        standing.told(connection, delivery.agent, delivery.version.credential_id)
    outcome = _reload(delivery)
    if outcome is None:
        return
    if not outcome.ok or outcome.warnings:
        msg = f"the gateway's reload ended with {outcome.warnings} warnings: it serves on with the value that it had"
        raise AgentError(msg, hint="openclaw secrets audit --check", passes=True)
    with delivery.database.write() as connection:
        taken = standing.taken(connection, delivery.agent, delivery.version.credential_id)
        if taken is None or not taken.since:
            names = " or ".join(delivery.variables)
            msg = f"the gateway reloaded without asking for {names}"
            raise AgentError(msg, hint="let a SecretRef of its configuration name it: docs/agents.md")
        standing.proved(connection, delivery.agent, delivery.version.credential_id, _METHOD)


def _attest(delivery: Delivery) -> Attestation:
    """Believe a reload that ended well, in which this version was handed out."""
    with delivery.database.read() as connection:
        taken = standing.taken(connection, delivery.agent, delivery.version.credential_id)
        held = (
            taken is not None
            and taken.since
            and taken.method == _METHOD
            and taken.version == delivery.version
            and (taken.fingerprint == delivery.fingerprint or delivery.same(connection, taken.fingerprint))
        )
    if taken and held:
        return Attestation(holding=Holding.NEW, method=taken.method, at=taken.at)
    if _listens(delivery) is False and (taken is None or system_clock() - taken.at > _COLD_START):
        return Attestation(holding=Holding.NOT_RUNNING, method="not-running")
    return Attestation(holding=Holding.OTHER, method="none")


def _nudge(delivery: Delivery) -> None:
    """Reload a gateway that has come up since."""
    if _attest(delivery).holding is Holding.OTHER and _listens(delivery):
        try:
            _activate(delivery)
        except AgentError:
            return  # said by the next attestation: it does not hold the version


def _reload(delivery: Delivery) -> Reload | None:
    """Reload by RPC, else by the gateway's own program; None where no gateway runs.

    Raises:
        AgentError: neither way led to an answer.
    """
    url, program = delivery.settings.get("url", DEFAULT_URL), delivery.settings.get("cli")
    if _listens(delivery) is False:
        return None
    token = delivery.admin("reload")
    try:
        return reload_by_rpc(url, token)
    except AgentError:
        if program is None:
            raise
        return reload_by_cli(program, token)
    finally:
        token.wipe()


def _listens(delivery: Delivery) -> bool | None:
    """Whether somebody listens at the gateway's address; None where nobody can say."""
    where = urlsplit(delivery.settings.get("url", DEFAULT_URL))
    port = where.port or {"wss": 443}.get(where.scheme, 80)
    try:
        socket.create_connection((where.hostname or "", port), timeout=2).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return None
    return True


AGENT = Agent(
    title="An OpenClaw gateway",
    settings={
        "url*": f"address of the gateway; {DEFAULT_URL} if it is not named",
        "admin": "administering credential that holds the gateway's token",
        "cli*": "absolute path of the program openclaw, which is asked where the gateway's RPC is not to be had",
    },
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    nudge=_nudge,
    poll_s=0.5,
    asks=True,
)
