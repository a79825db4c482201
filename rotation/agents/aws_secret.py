"""A secret of AWS Secrets Manager that agents read: the value becomes its current version, and each agent proves that it took it.

What is stored there is not what an agent runs with: only the challenge counts (docs/attestation.md).  The version before stays readable
under the label AWSPREVIOUS, as the service keeps it; by then its key is dead.  The administering credential is an AWS access key; it
needs secretsmanager:GetSecretValue and PutSecretValue for that secret.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from keysweep.foundation.errors import UsageError
from keysweep.rotation import challenge, programs
from keysweep.rotation.agents import Agent, AgentError, Attestation, Delivery, Holding
from keysweep.rotation.aws_calls import REGION, Service, Signer, expect, target
from keysweep.rotation.sinks import place, running
from keysweep.rotation.trouble import ProviderError, Trouble

_JSON, _RAW = "json", "raw"


def _deliver(delivery: Delivery) -> None:
    """Make the value the current version, unless it is: a version that nobody reads is not added twice."""
    try:
        admin = delivery.admin("deliver")
        try:
            _put(delivery, Signer(key_id=delivery.settings["access_key_id"], secret=admin))
        finally:
            admin.wipe()
    except ProviderError as error:
        passes = error.trouble in {Trouble.BUSY, Trouble.UNCERTAIN}
        raise AgentError(error.message, passes=passes) from None


def _activate(delivery: Delivery) -> None:
    if "restart" in delivery.settings and _attest(delivery).holding is not Holding.NEW:
        programs.run(
            programs.arguments(delivery.settings["restart"]),
            timeout_s=running.timeout_s(delivery.settings, delivery.timeout_s),
        )


def _attest(delivery: Delivery) -> Attestation:
    return challenge.attest(delivery.settings["challenge"], delivery)


def _put(delivery: Delivery, signer: Signer) -> None:
    halves, current = delivery.halves(), _current(delivery, signer)
    if delivery.settings.get("format", _RAW) == _JSON:
        fields = {**_fields(current), **halves}
        same = fields == _fields(current)
        if same and all(delivery.is_value(str(fields.get(name, "")).encode()) for name in delivery.variables):
            return
    elif current is not None and delivery.is_value(current.encode()):
        return
    else:
        fields = None
    value = delivery.open("deliver")
    content = value.reveal_text()
    value.wipe()
    if fields is not None:
        content = json.dumps({**fields, **dict.fromkeys(delivery.variables, content)})
    answer = target(
        _service(delivery),
        signer,
        "secretsmanager.PutSecretValue",
        {
            "SecretId": delivery.settings["secret_id"],
            "SecretString": content,
            "ClientRequestToken": str(uuid.uuid4()),
        },
    )
    expect(answer, what="storing the secret")


def _current(delivery: Delivery, signer: Signer) -> str | None:
    """Return what the secret holds now; None for one that holds nothing yet, or bytes."""
    named = {"SecretId": delivery.settings["secret_id"], "VersionStage": "AWSCURRENT"}
    answer = target(_service(delivery), signer, "secretsmanager.GetSecretValue", named)
    match expect(answer, what="reading the secret", gone=True).json():
        case {"SecretString": str(text)}:
            return text
        case _:
            return None


def _fields(current: str | None) -> dict[str, object]:
    """Return the fields of a secret, so that those of others stay as they are.

    Raises:
        AgentError: it is no JSON object.
    """
    try:
        fields = json.loads(current or "{}")
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        msg = "the secret holds no JSON object, and nothing was changed"
        raise AgentError(msg, hint="--set format=raw for a secret that is the value alone")
    return fields


def _service(delivery: Delivery) -> Service:
    region = delivery.settings.get("region", REGION)
    url = delivery.settings.get("base_url", f"https://secretsmanager.{region}.amazonaws.com")
    return Service(name="secretsmanager", url=url, region=region, timeout_s=delivery.timeout_s)


def _check(settings: Mapping[str, str]) -> None:
    if settings.get("format", _RAW) not in {_JSON, _RAW}:
        msg = "a secret is raw, or json"
        raise UsageError(msg)
    if "restart" in settings:
        programs.arguments(settings["restart"])
    running.timeout_s(settings, 1.0)


AGENT = Agent(
    title="A secret of AWS Secrets Manager",
    settings={
        "secret_id": "name or ARN of the secret, which is there",
        "admin": "name of the credential that may write it: the secret half of an AWS access key",
        "access_key_id": "the public half of that access key",
        "challenge": challenge.SETTING,
        "format*": "raw: the secret is the value; json: it is an object with a field for each variable, and others stay",
        "region*": "AWS region of the secret; us-east-1 if not stated",
        "base_url*": "where the service is called instead of AWS",
        "restart*": "absolute path and arguments of a program that makes the agents read the secret anew",
        "timeout*": "seconds that it may take (10)",
        **place.ID_NAME,
    },
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    poll_s=0.5,
    check=_check,
    named=lambda settings, variable: variable if settings.get("format") == _JSON else None,
)
