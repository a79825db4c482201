"""AWS IAM access keys of one user: a value is the secret half, its id the public half, and an agent gets both.

A user has two keys at most, and those that are switched off count.  Keys have no names: an orphan of a lost answer is told by its
id, which was not listed before.  Credentials that were minted from the key (GetSessionToken) outlive it: with the setting
`deny_sessions=yes` a policy is put on the user that refuses those from before the revocation.
Only `InvalidClientTokenId` is dead: `SignatureDoesNotMatch` says that the public half lives.  A Bedrock API key (a
service-specific credential) is none of these keys and is not rotated.
Source: the vendor's API reference.  Settings: `user_name`, `region`, `base_url`.  The administering credential is a key as well,
with its public half as its id; it needs iam:ListAccessKeys, CreateAccessKey, UpdateAccessKey and DeleteAccessKey for that user.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta

from keysweep.foundation.clock import system_clock
from keysweep.foundation.secret import Secret
from keysweep.rotation.aws_calls import REGION, Service, Signer, code, expect, field, opened, query
from keysweep.rotation.http import Response
from keysweep.rotation.providers import (
    Account,
    Facts,
    Kind,
    Liveness,
    Minted,
    Provider,
    ProviderError,
    ProviderKey,
    Trouble,
    Verdict,
)
from keysweep.rotation.vendor import admin, unreadable, verdict

_IAM_VERSION = "2010-05-08"
_STS_VERSION = "2011-06-15"
_ROW = re.compile(r"<member>(.*?)</member>", re.DOTALL)
_POLICY = "keysweep-deny-older-sessions"


def probe(account: Account, secret: Secret) -> Verdict:
    """Ask STS who calls: an answer is alive, `InvalidClientTokenId` is dead."""
    if account.key_id is None:
        return Verdict(liveness=Liveness.UNKNOWN, code="no-key-id")
    region = account.settings.get("region", REGION)
    where = account.settings.get("base_url", f"https://sts.{region}.amazonaws.com")
    sts = Service(name="sts", url=where, region=region, timeout_s=account.timeout_s)
    signer = Signer(key_id=account.key_id, secret=secret)
    return verdict(lambda: query(sts, signer, _STS_VERSION, "GetCallerIdentity"), alive=frozenset({200}), dead=_dead)


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List both keys of the user, also those that are switched off."""
    answer = expect(_iam(account, "ListAccessKeys", UserName=_user(account)), what="listing keys")
    text = answer.body.decode(errors="replace")
    if "<ListAccessKeysResult>" not in text or "<IsTruncated>true<" in text:
        raise unreadable(what="the list of keys")
    return tuple(
        ProviderKey(key_id=field(row, "AccessKeyId"), name="", active=field(row, "Status") == "Active")
        for row in _ROW.findall(text)
    )


def mint(account: Account, tag: str) -> Secret:  # noqa: ARG001  keys have no names
    """Create a key; the answer holds the secret half once."""
    return Secret(expect(_iam(account, "CreateAccessKey", UserName=_user(account)), what="creating a key").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`."""
    answer = opened(raw)
    return Minted(secret=Secret(field(answer, "SecretAccessKey")), key_id=field(answer, "AccessKeyId"))


def activate(account: Account, key_id: str) -> None:
    """Switch a key on."""
    _switch(account, key_id, "Active")


def deactivate(account: Account, key_id: str) -> None:
    """Switch a key off."""
    _switch(account, key_id, "Inactive")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the key; one that is gone is success."""
    if not key_id:
        msg = "the key's public half is not known"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    answer = _iam(account, "DeleteAccessKey", UserName=_user(account), AccessKeyId=key_id)
    expect(answer, what="deleting the key", gone=True)
    if account.settings.get("deny_sessions") == "yes":
        _deny_sessions(account)


def id_variable(variable: str) -> str | None:
    """Return the variable of the public half, as AWS's own tools name it beside that of the secret half."""
    found = re.fullmatch(r"(?i)(.*)SECRET_ACCESS_KEY", variable)
    return f"{found[1]}{'ACCESS_KEY_ID' if variable.isupper() else 'access_key_id'}" if found else None


def _deny_sessions(account: Account) -> None:
    """Refuse what was minted from any key of the user until now; its keys themselves carry no such time and go on."""
    denied = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
                "Condition": {"DateLessThan": {"aws:TokenIssueTime": f"{system_clock():%Y-%m-%dT%H:%M:%SZ}"}},
            }
        ],
    }
    document = json.dumps(denied)
    answer = _iam(account, "PutUserPolicy", UserName=_user(account), PolicyName=_POLICY, PolicyDocument=document)
    expect(answer, what="denying older sessions")


def _switch(account: Account, key_id: str, status: str) -> None:
    answer = _iam(account, "UpdateAccessKey", UserName=_user(account), AccessKeyId=key_id, Status=status)
    expect(answer, what=f"making the key {status.lower()}")


def _iam(account: Account, action: str, **parameters: str) -> Response:
    if account.admin_id is None:
        msg = "the public half of the administering key is not known; state it with: keysweep keys set-id"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    where = account.settings.get("base_url", "https://iam.amazonaws.com")
    iam = Service(name="iam", url=where, region=REGION, timeout_s=account.timeout_s)
    return query(iam, Signer(key_id=account.admin_id, secret=admin(account)), _IAM_VERSION, action, **parameters)


def _user(account: Account) -> str:
    if not (name := account.settings.get("user_name")):
        msg = f"the setting user_name is missing for {account.credential!r}"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return name


def _dead(answer: Response) -> str | None:
    refusal = code(answer)
    return f"403 {refusal}" if answer.status == 403 and refusal == "InvalidClientTokenId" else None


PROVIDER = Provider(
    title="AWS IAM (access keys)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=2,
        disable_reversible=True,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=4),
        needs_admin=True,
        tag_limit=0,
        accepted_within=timedelta(seconds=30),
        proven_on="a simulator of the vendor's API (moto) that checks signatures; it accepts keys that are switched off, so that is not proven",
    ),
    probe=probe,
    find=find,
    mint=mint,
    read_minted=read_minted,
    activate=activate,
    deactivate=deactivate,
    revoke=revoke,
    id_variable=id_variable,
)
