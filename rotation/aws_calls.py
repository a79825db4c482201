"""One call to AWS, signed (Signature Version 4) without an SDK: the answer that holds a new key is sealed before anybody reads it."""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from keysweep.foundation.clock import system_clock
from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, request
from keysweep.rotation.trouble import ProviderError, Trouble

REGION = "us-east-1"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"
_JSON = "application/x-amz-json-1.1"
_XML_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,80})</Code>")
_JSON_CODE = re.compile(r"(?:.*#)?([A-Za-z0-9.]{1,80})(?::.*)?")
_TROUBLES = {
    "LimitExceeded": Trouble.LIMIT,
    "NoSuchEntity": Trouble.NOT_FOUND,
    "ResourceNotFoundException": Trouble.NOT_FOUND,
    "AccessDenied": Trouble.REFUSED,
    "AccessDeniedException": Trouble.REFUSED,
    "InvalidClientTokenId": Trouble.REFUSED,
    "UnrecognizedClientException": Trouble.REFUSED,
    "SignatureDoesNotMatch": Trouble.REFUSED,
    "InvalidSignatureException": Trouble.REFUSED,
    "ExpiredToken": Trouble.REFUSED,
    "Throttling": Trouble.BUSY,
    "ThrottlingException": Trouble.BUSY,
    "RequestLimitExceeded": Trouble.BUSY,
    "EntityTemporarilyUnmodifiable": Trouble.BUSY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """An access key: both halves."""

    key_id: str
    secret: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Where one of AWS's services is called."""

    name: str
    url: str
    region: str
    timeout_s: float


def query(service: Service, signer: Signer, version: str, action: str, **parameters: str) -> Response:
    """Call a service that takes forms and answers in XML.

    Raises:
        ProviderError: there was no answer.
    """
    body = urlencode({"Action": action, "Version": version, **parameters}).encode()
    return _send(service, signer, {"content-type": _FORM}, body)


def target(service: Service, signer: Signer, action: str, parameters: Mapping[str, str | list[str]]) -> Response:
    """Call a service that takes and answers JSON; *action* is the whole name: `secretsmanager.GetSecretValue`.

    Raises:
        ProviderError: there was no answer.
    """
    headers = {"content-type": _JSON, "x-amz-target": action}
    return _send(service, signer, headers, json.dumps(parameters).encode())


def code(answer: Response) -> str:
    """Return AWS's own code of a refusal; empty if the answer has none."""
    if found := _XML_CODE.search(answer.body):
        return found[1].decode()
    try:
        stated = answer.json()
    except ProviderError:
        return ""
    match stated:
        case {"__type": str(kind)} if named := _JSON_CODE.fullmatch(kind):
            return named[1]
        case _:
            return ""


def expect(answer: Response, *, what: str, gone: bool = False) -> Response:
    """Return a good answer; with *gone* also one that says that the thing is not there.

    Raises:
        ProviderError: with the trouble that AWS's code stands for.
    """
    if answer.status == 200:
        return answer
    refusal = code(answer)
    trouble = _TROUBLES.get(refusal)
    if gone and trouble is Trouble.NOT_FOUND:
        return answer
    if trouble is None:
        trouble = Trouble.BUSY if answer.status == 429 else Trouble.UNCERTAIN
        if answer.status < 500 and answer.status != 429:
            trouble = Trouble.REFUSED if answer.status in {401, 403} else Trouble.REJECTED
    msg = f"{what}: AWS answered {answer.status} {refusal}".rstrip()
    raise ProviderError(msg, trouble=trouble, retry_after_s=answer.retry_after_s)


def opened(raw: Secret) -> str:
    """Return the text of an answer that was sealed."""
    return raw.reveal().decode(errors="replace")


def field(text: str, name: str) -> str:
    """Return what an answer in XML says of *name*.

    Raises:
        ProviderError: nothing.
    """
    found = re.search(f"<{name}>([^<]+)</{name}>", text)
    if not found:
        msg = f"an answer without {name} is not what the vendor documents"
        raise ProviderError(msg, trouble=Trouble.UNREADABLE)
    return html.unescape(found[1])


def signed(
    url: str, headers: Mapping[str, str], body: bytes, *, service: str, region: str, signer: Signer, at: datetime
) -> dict[str, str]:
    """Return the headers of a POST with its signature; pure."""
    stamp = f"{at:%Y%m%dT%H%M%SZ}"
    where = urlsplit(url)
    named = {**headers, "host": where.netloc, "x-amz-date": stamp}
    names = ";".join(sorted(named))
    lines = "".join(f"{name}:{named[name]}\n" for name in sorted(named))
    digest = hashlib.sha256(body).hexdigest()
    request_text = f"POST\n{where.path or '/'}\n\n{lines}\n{names}\n{digest}"
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request_text.encode()).hexdigest()}"
    key = b"AWS4" + signer.secret.reveal()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"{signer.key_id}/{scope}"
    return {
        **headers,
        "x-amz-date": stamp,
        "authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}",
    }


def _send(service: Service, signer: Signer, headers: Mapping[str, str], body: bytes) -> Response:
    url = service.url.rstrip("/") + "/"
    sent = signed(url, headers, body, service=service.name, region=service.region, signer=signer, at=system_clock())
    return request("POST", url, headers=sent, timeout_s=service.timeout_s, body=body)
