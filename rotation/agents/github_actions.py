"""Secrets of GitHub Actions: sealed for the repository's public key; the next run gets them, runs that go on keep what they began with.

No run holds the new key when the rotation goes on: what counts is that the secret is stored.  Runs that began before keep the old key and
fail once it is dead, unless `wait` makes the rotation wait for them.  The halves of a key of two are two secrets, stored one after the
other: a run that begins in between fails, and `wait` waits for it too.  Proven on a simulator that opens what was sealed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.agent_hosts import ADMIN, call, check_url, parsed, segment
from keysweep.rotation.agents import Agent, AgentError, Attestation, Delivery, Holding
from keysweep.rotation.http import Response
from keysweep.rotation.sinks import place

_BASE = "https://api.github.com"
_HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_SECRET = re.compile(r"(?!(?i:GITHUB_))[A-Za-z_][A-Za-z0-9_]{0,99}")
_RUNS = 100


def _deliver(delivery: Delivery) -> None:
    match parsed(_call(delivery, "GET", f"{_place(delivery)}/public-key", purpose="deliver")):
        case {"key_id": str(key_id), "key": str(key)}:
            pass
        case _:
            msg = "the repository's public key is not what the vendor documents"
            raise AgentError(msg)
    value = delivery.open("deliver")
    sealed = _sealed(key, value)
    value.wipe()
    each = [(name, _sealed(key, Secret(half))) for name, half in delivery.halves().items()]
    for name, one in (*each, *((name, sealed) for name in _names(delivery))):
        body = {"encrypted_value": one, "key_id": key_id}
        _call(delivery, "PUT", f"{_place(delivery)}/{name}", purpose="deliver", body=body)


def _activate(delivery: Delivery) -> None:
    """Nothing: the next run takes it."""


def _attest(delivery: Delivery) -> Attestation:
    """Say that the next run gets it.  Where `wait` says so, runs that began before all of it was stored must have ended."""
    stored = []
    for name in (*delivery.halves(), *_names(delivery)):
        match parsed(_call(delivery, "GET", f"{_place(delivery)}/{name}", purpose="attest")):
            case {"updated_at": str(at)}:
                stored.append(at)
            case _:
                msg = "the description of the secret is not what the vendor documents"
                raise AgentError(msg)
    if delivery.settings.get("wait") == "runs" and _goes_on(delivery, max(stored)):
        return Attestation(holding=Holding.OTHER, method="runs-go-on")
    return Attestation(holding=Holding.NOT_RUNNING, method="next-run")


def _goes_on(delivery: Delivery, stored_at: str) -> bool:
    """Whether a run goes on that began before the secret was stored; times are ISO 8601 in UTC, which sort as text."""
    for status in ("in_progress", "queued", "waiting"):
        url = f"/repos/{delivery.settings['repository']}/actions/runs?status={status}&per_page={_RUNS}"
        match parsed(_call(delivery, "GET", url, purpose="attest")):
            case {"total_count": int(count), "workflow_runs": [*runs]}:
                if count > _RUNS or any(str(run.get("run_started_at", "")) <= stored_at for run in runs):
                    return True
            case _:
                msg = "the list of runs is not what the vendor documents"
                raise AgentError(msg)
    return False


def _sealed(key: str, value: Secret) -> str:
    """Encrypt for the public key so that only GitHub opens it: a libsodium sealed box."""
    from nacl.exceptions import CryptoError
    from nacl.public import PublicKey, SealedBox

    try:
        box = SealedBox(PublicKey(base64.b64decode(key, validate=True)))
        return base64.b64encode(box.encrypt(value.reveal())).decode()
    except (binascii.Error, CryptoError, ValueError, TypeError):
        msg = "the repository's public key is none"
        raise AgentError(msg) from None


def _place(delivery: Delivery) -> str:
    repository = f"/repos/{delivery.settings['repository']}"
    if environment := delivery.settings.get("environment"):
        return f"{repository}/environments/{segment(environment)}/secrets"
    return f"{repository}/actions/secrets"


def _names(delivery: Delivery) -> tuple[str, ...]:
    return place.names_of(delivery, "secret")


def _call(delivery: Delivery, method: str, path: str, *, purpose: str, body: object = None) -> Response:
    base = delivery.settings.get("base_url", _BASE)
    return call(delivery, method, base + path, purpose=purpose, body=body, more=_HEADERS)


def _check(settings: Mapping[str, str]) -> None:
    check_url(settings)
    if not _REPOSITORY.fullmatch(settings["repository"]) or ".." in settings["repository"]:
        msg = "repository is OWNER/NAME"
        raise UsageError(msg)
    if not all(_SECRET.fullmatch(settings[name]) for name in {"secret", "id_name"} & settings.keys()):
        msg = "secret and id_name are names of letters, digits and underscores that do not begin with GITHUB_"
        raise UsageError(msg)
    if settings.get("wait", "runs") != "runs":
        msg = "wait is `runs`"
        raise UsageError(msg)


AGENT = Agent(
    title="Secrets of GitHub Actions",
    settings={
        "repository": "OWNER/NAME",
        "admin": ADMIN + ": a token that may write secrets",
        "secret*": "name of the secret, where it is not the variable",
        **place.ID_NAME,
        "environment*": "environment of the repository that has the secret",
        "wait*": "`runs`: runs that began before must have ended; else they keep the old key until they end",
        "base_url*": f"address of the API ({_BASE})",
    },
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    poll_s=5.0,
    check=_check,
    named=lambda settings, variable: settings.get("secret", variable),
)
