"""AWS Secrets Manager: every secret whose name begins as asked, JSON secrets by their fields.

Region and credentials are those of the AWS tools.  A secret's current version is read; nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keysweep.foundation.errors import DeniedError, UsageError
from keysweep.rotation.imports import Left, Manager, Placed, Reason
from keysweep.rotation.imports.fields import fields_of
from keysweep.rotation.inventory import ImportRowError

_DENIED = {
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "ExpiredTokenException",
    "ExpiredToken",
    "InvalidSignatureException",
}
_SECONDS = 20
_TRIES = 4


def _read(where: str) -> Iterator[Placed]:
    client = _client()
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        for page in client.get_paginator("list_secrets").paginate(IncludePlannedDeletion=True):
            for listed in page["SecretList"]:
                name = str(listed["Name"])
                if not name.startswith(where):
                    continue
                if listed.get("DeletedDate") is not None:
                    yield name, Left(name=name, reason=Reason.ARCHIVED)
                else:
                    yield from _secret(client, name)
    except (BotoCoreError, ClientError) as error:
        raise _failure(error) from None


def _secret(client: Any, name: str) -> Iterator[Placed]:
    from botocore.exceptions import ClientError

    try:
        found = client.get_secret_value(SecretId=name)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code == "ResourceNotFoundException":
            yield name, Left(name=name, reason=Reason.EMPTY)
        else:
            yield name, ImportRowError(f"AWS does not give the secret out: {code}")
        return
    if "SecretString" in found:
        yield from fields_of(name, found["SecretString"], created_at=found.get("CreatedDate"))
    else:
        yield from fields_of(name, bytes(found["SecretBinary"]), created_at=found.get("CreatedDate"))


def _client() -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        msg = "AWS Secrets Manager needs boto3"
        raise UsageError(msg, hint="pip install 'keysweep[aws]'") from None
    try:
        return boto3.session.Session().client(
            "secretsmanager",
            config=Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": _TRIES}),
        )
    except (BotoCoreError, ValueError) as error:
        raise _failure(error) from None


def _failure(error: Exception) -> Exception:
    """Return our error for one of the library, whose own text may repeat what was sent."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

    match error:
        case NoRegionError() | NoCredentialsError():
            what = "a region (AWS_REGION)" if isinstance(error, NoRegionError) else "credentials (AWS_PROFILE)"
            return UsageError(f"AWS Secrets Manager needs {what}")
        case ClientError():
            code = str(error.response.get("Error", {}).get("Code", ""))
            text = f"AWS Secrets Manager refused: {code}"
            return DeniedError(text) if code in _DENIED else UsageError(text)
        case BotoCoreError():
            return UsageError(f"AWS Secrets Manager cannot be asked: {type(error).__name__}")
        case _:
            return error


MANAGER = Manager(read=_read, settings=("AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"))
