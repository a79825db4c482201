"""An agent that is told over HTTP, in the form of Standard Webhooks: signed, and with the value only where TLS protects it."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from keysweep.foundation.clock import system_clock, to_text
from keysweep.foundation.errors import UsageError
from keysweep.rotation import challenge
from keysweep.rotation.agents import Agent, AgentError, Attestation, Delivery
from keysweep.rotation.http import LOOPBACK, request
from keysweep.rotation.sinks import atomic, place
from keysweep.rotation.trouble import ProviderError, Trouble

_PREFIX = "whsec_"


def _deliver(delivery: Delivery) -> None:
    """Send one message for each name that the agent knows the key by; each is a message of its own, also when it is repeated."""
    beside = delivery.beside()
    for variable in delivery.variables:
        data: dict[str, object] = {
            "agent": delivery.agent,
            "variable": variable,
            "version": delivery.version.number,
            "fingerprint": delivery.fingerprint.short,
            "forced": delivery.forced,
        }
        if half := beside.get(variable):
            data |= {"id": half.text, "id_variable": half.name}
        if urlsplit(delivery.settings["url"]).scheme == "https":
            value = delivery.open("deliver")
            data["value"] = value.reveal_text()
            value.wipe()
        _send(delivery, {"type": "key.delivered", "timestamp": to_text(system_clock()), "data": data})


def _activate(delivery: Delivery) -> None:
    """Nothing: the message asked for it."""


def _attest(delivery: Delivery) -> Attestation:
    return challenge.attest(delivery.settings["challenge"], delivery)


def _send(delivery: Delivery, message: Mapping[str, object]) -> None:
    body = json.dumps(message).encode()
    name, at = f"msg_{secrets.token_hex(16)}", str(int(system_clock().timestamp()))
    key = _signing_key(Path(delivery.settings["secret_file"]))
    signature = base64.b64encode(hmac.digest(key, f"{name}.{at}.".encode() + body, "sha256")).decode()
    headers = {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{signature}",
    }
    try:
        answer = request(
            "POST",
            delivery.settings["url"],
            headers=headers,
            timeout_s=delivery.timeout_s,
            body=body,
            authority=delivery.settings.get("ca_file"),
        )
    except ProviderError as error:
        passes = error.trouble in {Trouble.BUSY, Trouble.UNCERTAIN}
        raise AgentError(error.message, passes=passes) from None
    if not 200 <= answer.status < 300:
        msg = f"the agent's webhook answered {answer.status}"
        raise AgentError(msg, passes=answer.status == 429 or answer.status >= 500)


def _signing_key(path: Path) -> bytes:
    """Read the secret that messages are signed with.  It signs; it opens nothing of ours."""
    held = atomic.read(path)
    try:
        if held is not None and path.stat().st_mode & 0o077 == 0:
            return base64.b64decode(held.decode().strip().removeprefix(_PREFIX), validate=True)
    except (UnicodeDecodeError, binascii.Error):
        pass
    msg = f"{path} holds no signing secret that only its owner can read"
    raise AgentError(msg, hint="whsec_ and base64, with mode 0600")


def _check(settings: Mapping[str, str]) -> None:
    where = urlsplit(settings["url"])
    if where.scheme != "https" and not (where.scheme == "http" and where.hostname in LOOPBACK):
        msg = "a webhook is called by https, or on this machine"
        raise UsageError(msg)
    for name in {"secret_file", "ca_file"} & settings.keys():
        if not settings[name].startswith("/"):
            msg = f"{name} is an absolute path"
            raise UsageError(msg)


AGENT = Agent(
    title="A webhook of the agent",
    settings={
        "url": "where the message goes; it holds the value by https only, else the agent asks `keysweep resolve`",
        "secret_file": "absolute path of the file with the secret that messages are signed with: whsec_...",
        "challenge": challenge.SETTING,
        "ca_file*": "absolute path of the certificates that its certificate is checked against, where it is a private one",
        **place.ID_NAME,
    },
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    poll_s=0.5,
    check=_check,
    named=place.named,
)
