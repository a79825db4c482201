"""AWS KMS: a data key that only KMS can open again, bound to store and slot by its encryption context."""

from __future__ import annotations

import base64
from typing import Any

from keysweep.foundation.errors import DeniedError, MissingExtraError, UsageError
from keysweep.rotation.vault.slots import Means, NewKey, Params, Place, Slot


def _make(means: Means, place: Place, replaces: Params | None) -> NewKey:
    wanted = means.wanted or replaces or {}
    key_id, region = str(wanted.get("key_id") or ""), str(wanted.get("region") or "")
    if not key_id:
        msg = "a slot in AWS KMS needs the id of a key"
        raise UsageError(msg, hint="keysweep vault add-slot aws-kms --kms-key ARN")
    client = _client(region)
    if client is None:
        raise MissingExtraError(feature="a slot in AWS KMS", extra="aws")
    answer = _asked(client, "generate_data_key", KeyId=key_id, NumberOfBytes=32, EncryptionContext=_context(place))
    params = {
        "key_id": str(answer["KeyId"]),
        "region": client.meta.region_name,
        "ciphertext": base64.b64encode(answer["CiphertextBlob"]).decode(),
    }
    return NewKey(key=bytes(answer["Plaintext"]), params=params)


def _keys(means: Means, place: Place, params: Params) -> tuple[bytes, ...]:  # noqa: ARG001  every kind has this shape
    client = _client(str(params["region"]))
    if client is None:
        return ()
    answer = _asked(
        client,
        "decrypt",
        KeyId=params["key_id"],
        CiphertextBlob=base64.b64decode(str(params["ciphertext"])),
        EncryptionContext=_context(place),
    )
    return (bytes(answer["Plaintext"]),)


def _context(place: Place) -> dict[str, str]:
    """Return what KMS authenticates and logs with each use."""
    return {"keysweep:tenant": place.tenant, "keysweep:slot": place.slot}


def _client(region: str) -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ModuleNotFoundError:
        return None
    config = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 2})
    return _made(boto3, region, config)


def _made(boto3: Any, region: str, config: Any) -> Any:
    from botocore.exceptions import BotoCoreError

    try:
        return boto3.client("kms", region_name=region or None, config=config)
    except (BotoCoreError, ValueError) as error:
        raise _refused(type(error).__name__) from None


def _asked(client: Any, call: str, **arguments: Any) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(client, call)(**arguments)
    except ClientError as error:
        raise _refused(str(error.response.get("Error", {}).get("Code", "ClientError"))) from None
    except BotoCoreError as error:
        raise _refused(type(error).__name__) from None


def _refused(why: str) -> DeniedError:
    return DeniedError(f"AWS KMS does not open the slot ({why})", hint="check the AWS credentials and the key's policy")


SLOT = Slot(title="AWS KMS", rank=40, make=_make, keys=_keys)
