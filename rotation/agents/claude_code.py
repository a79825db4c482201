"""Claude Code with an `apiKeyHelper`: it keeps an answer for a while, and asks again then or on its first 401.

`apiKeyHelper` runs `keysweep resolve NAME --agent AGENT`.  Nobody can make a session ask, so let it keep an answer for less than a rotation
may take (CLAUDE_CODE_API_KEY_HELPER_TTL_MS, e.g. 10000): else a planned rotation is rolled back while a session is in use.  In a forced
one the old key dies all the same; the session is named as not seen, and goes on after its first 401.  One answer is noted for an agent: a
second session that asked before keeps the old key until its own time or its own 401.  Proven by running the helper, not on Claude Code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from keysweep.foundation.clock import system_clock
from keysweep.foundation.errors import UsageError
from keysweep.rotation import standing
from keysweep.rotation.agents import Agent, Attestation, Delivery, Holding

_TTL_S = "300"


def _deliver(delivery: Delivery) -> None:
    with delivery.database.write() as connection:
        standing.want(connection, delivery.agent, delivery.version, system_clock())


def _activate(delivery: Delivery) -> None:
    """Let only answers from now on count: nobody can make it ask."""
    with delivery.database.write() as connection:
        standing.told(connection, delivery.agent, delivery.version.credential_id)


def _attest(delivery: Delivery) -> Attestation:
    """Believe its own question; where the last answer is older than it keeps one, no session goes on with it."""
    with delivery.database.read() as connection:
        taken = standing.taken(connection, delivery.agent, delivery.version.credential_id)
        same = taken is not None and (
            taken.fingerprint == delivery.fingerprint or delivery.same(connection, taken.fingerprint)
        )
    if taken and same and taken.since and taken.version == delivery.version:
        return Attestation(holding=Holding.NEW, method=taken.method, at=taken.at)
    kept = timedelta(seconds=int(delivery.settings.get("ttl_s", _TTL_S)))
    if taken is None or system_clock() - taken.at > kept:
        return Attestation(holding=Holding.NOT_RUNNING, method="answer-expired")
    return Attestation(holding=Holding.OTHER, method="none")


def _check(settings: Mapping[str, str]) -> None:
    stated = settings.get("ttl_s", _TTL_S)
    if not (stated.isascii() and stated.isdecimal() and int(stated[:9]) <= 86_400):
        msg = f"{stated!r} is no number of seconds up to a day"
        raise UsageError(msg)


AGENT = Agent(
    title="Claude Code, by its apiKeyHelper",
    settings={"ttl_s*": f"seconds that it keeps an answer: CLAUDE_CODE_API_KEY_HELPER_TTL_MS / 1000 ({_TTL_S})"},
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    poll_s=0.2,
    check=_check,
    asks=True,
)
