"""AWS IAM: the access keys of every user of the account, with their last use.  The id of a key is its public half.

The administering credential's value is the secret half; its key id at the provider is the public half.  Nothing of the
environment is asked: no profile, no instance role, no proxy.  The SDK keeps the secret in memory as it likes.
Source: the vendor's API reference (ListUsers, ListAccessKeys, GetAccessKeyLastUsed).  Settings: `base_url`, `region`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from keysweep.foundation.errors import MissingExtraError
from keysweep.rotation.listers import ListedKey, Lister, admin_value, unreadable
from keysweep.rotation.providers import Account, ProviderError, Trouble

_REGION = "us-east-1"
_BUSY = frozenset({"Throttling", "ThrottlingException", "ServiceUnavailable", "RequestLimitExceeded"})


def keys(account: Account) -> tuple[ListedKey, ...]:
    """List every access key of every user, those that are switched off too."""
    with _named_failures():
        client = _client(account)
        found = []
        for user in _rows(client, "list_users", "Users"):
            found += [
                _listed(key, client.get_access_key_last_used(AccessKeyId=key["AccessKeyId"]))
                for key in _rows(client, "list_access_keys", "AccessKeyMetadata", UserName=user["UserName"])
            ]
        return tuple(found)


def _rows(client: Any, call: str, name: str, **facts: str) -> Iterator[Any]:
    for page in client.get_paginator(call).paginate(**facts):
        yield from page[name]


def _client(account: Account) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.session import Session
    except ModuleNotFoundError:
        raise MissingExtraError(feature="listing keys of AWS", extra="aws") from None
    if not (public := account.admin_id):
        msg = "the public half of the administering key is not known; state it with: keysweep keys set-id"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    bare = dict.fromkeys(("profile", "config_file", "credentials_file", "ca_bundle"), (None, None, None, None))
    session = boto3.Session(botocore_session=Session(session_vars=bare))
    limits = Config(
        connect_timeout=account.timeout_s,
        read_timeout=account.timeout_s,
        retries={"mode": "standard", "total_max_attempts": 2},
        proxies={},
    )
    return session.client(
        "iam",
        region_name=account.settings.get("region", _REGION),
        endpoint_url=account.settings.get("base_url"),
        aws_access_key_id=public,
        aws_secret_access_key=admin_value(account),
        config=limits,
    )


@contextmanager
def _named_failures() -> Iterator[None]:
    """Let no error of the SDK through: they quote requests."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))[:60]
        trouble = Trouble.BUSY if code in _BUSY else Trouble.REFUSED
        msg = f"listing keys: the provider answered {code}"
        raise ProviderError(msg, trouble=trouble) from None
    except BotoCoreError as error:
        msg = f"listing keys got no answer ({type(error).__name__})"
        raise ProviderError(msg, trouble=Trouble.UNCERTAIN) from None
    except (KeyError, TypeError):
        raise unreadable(what="the list of keys") from None


def _listed(key: Any, used: Any) -> ListedKey:
    return ListedKey(
        key_id=str(key["AccessKeyId"]),
        name=str(key["AccessKeyId"]),
        active=key["Status"] == "Active",
        owner=str(key["UserName"]),
        created_at=_moment(key.get("CreateDate")),
        last_used_at=_moment(used.get("AccessKeyLastUsed", {}).get("LastUsedDate")),
    )


def _moment(value: object) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else None


LISTER = Lister(
    title="AWS IAM",
    method="iam:ListUsers, iam:ListAccessKeys, iam:GetAccessKeyLastUsed",
    lists_admins=True,
    tells_use=True,
    proven_on="a simulator of the vendor's API (moto), through the vendor's own SDK",
    keys=keys,
)
