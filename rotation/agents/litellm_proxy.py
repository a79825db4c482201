"""A LiteLLM proxy: a stored credential of it is patched, with a mark of the version beside it; then a call through it must be answered.

While both keys live, an answer does not tell which of them the proxy used: the mark says what is stored, the answer that the model is
served.  A proxy of several workers may read its credentials again only later.  Proven on a simulator.
"""

from __future__ import annotations

from collections.abc import Mapping

from keysweep.foundation.clock import system_clock
from keysweep.rotation.agent_hosts import ADMIN, call, check_url, parsed, segment
from keysweep.rotation.agents import Agent, AgentError, Attestation, Delivery, Holding
from keysweep.rotation.sinks import place

_MARK = "keysweep_version"
_FIELD = "api_key"


def _deliver(delivery: Delivery) -> None:
    """Replace one value of the credential; its other values are left as they are."""
    name = delivery.settings["credential"]
    value = delivery.open("deliver")
    body = {
        "credential_name": name,
        "credential_values": {**delivery.halves(), delivery.settings.get("field", _FIELD): value.reveal_text()},
        "credential_info": {_MARK: _mark(delivery)},
    }
    value.wipe()
    call(delivery, "PATCH", _url(delivery, f"/credentials/{segment(name)}"), purpose="deliver", body=body)


def _activate(delivery: Delivery) -> None:
    """Nothing: the proxy reads its credentials again by itself."""


def _attest(delivery: Delivery) -> Attestation:
    """See the mark beside the stored credential, then have the proxy answer a call of one token."""
    name = delivery.settings["credential"]
    stored = call(delivery, "GET", _url(delivery, f"/credentials/by_name/{segment(name)}"), purpose="attest")
    match parsed(stored):
        case {"credential_info": {"keysweep_version": str(mark)}} if mark == _mark(delivery):
            pass
        case _:
            return Attestation(holding=Holding.OTHER, method="not-stored")
    try:
        call(delivery, "POST", _url(delivery, "/v1/chat/completions"), purpose="canary", body=_canary(delivery))
    except AgentError:
        return Attestation(holding=Holding.OTHER, method="canary-refused")
    return Attestation(holding=Holding.NEW, method="canary", at=system_clock())


def _canary(delivery: Delivery) -> Mapping[str, object]:
    messages = [{"role": "user", "content": "ping"}]
    return {"model": delivery.settings["model"], "max_tokens": 1, "messages": messages}


def _mark(delivery: Delivery) -> str:
    return f"{delivery.version.number}-{delivery.fingerprint.short}"


def _url(delivery: Delivery, path: str) -> str:
    return delivery.settings["base_url"].rstrip("/") + path


AGENT = Agent(
    title="A LiteLLM proxy",
    settings={
        "base_url": "address of the proxy",
        "credential": "name of the credential there",
        "model": "a model that is called with this credential, and with no other",
        "admin": ADMIN + ": the proxy's master key",
        "field*": f"name of the value within the credential ({_FIELD})",
        **place.ID_NAME,
    },
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    poll_s=1.0,
    check=check_url,
    named=lambda settings, _variable: settings.get("field", _FIELD),
)
