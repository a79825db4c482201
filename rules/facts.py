"""What a key says of itself without anybody being asked: an account, an issuer, an expiry.  Public facts, never key material."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from keysweep.rules.encodings import from_base64url
from keysweep.rules.structure import json_in_base64, macaroon, web_token

Facts = dict[str, str]
Reader = Callable[[str, tuple[str, ...]], Facts]
"""Reads the facts off a key and its parts: the public half of a pair, components of a URI."""

_LONGEST = 120
_HOST = re.compile(r"@([A-Za-z0-9._:,-]+)")
_ACCOUNT_BITS = 0x7FFFFFFFFF80


def facts_of(name: str, value: str, parts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return what the reader called *name* reads off a key, in order of the names."""
    found = FACTS[name](value, parts)
    return tuple((fact, text[:_LONGEST]) for fact, text in sorted(found.items()) if text and text.isprintable())


def _aws(_value: str, parts: tuple[str, ...]) -> Facts:
    """The account stands in the key id, but for those that were issued before 2019, which begin with I or J."""
    key_id = next((part for part in parts if len(part) == 20), "")
    if not key_id:
        return {}
    facts = {"access key": key_id, "temporary": "yes" if key_id.startswith("ASIA") else "no"}
    if key_id[4] in "IJ":
        return facts
    try:
        number = int.from_bytes(base64.b32decode(key_id[4:])[:6], "big")
    except (binascii.Error, ValueError):
        return facts
    return facts | {"account": f"{(number & _ACCOUNT_BITS) >> 7:012d}"}


def _jwt(value: str, _parts: tuple[str, ...]) -> Facts:
    at = value.find("eyJ")
    token = web_token(value[at:]) if at >= 0 else None
    if token is None:
        return {}
    claims = token.claims
    return {
        "algorithm": _text(token.header.get("alg")),
        "issuer": _text(claims.get("iss")),
        "subject": _text(claims.get("sub")),
        "issued": _time(claims.get("iat")),
        "expires": _time(claims.get("exp")),
    }


def _supabase(value: str, _parts: tuple[str, ...]) -> Facts:
    token = web_token(value)
    if token is None:
        return {}
    claims = token.claims
    return {
        "role": _text(claims.get("role")),
        "project": _text(claims.get("ref")),
        "issued": _time(claims.get("iat")),
        "expires": _time(claims.get("exp")),
    }


def _github_app(value: str, parts: tuple[str, ...]) -> Facts:
    return {"installation": value.removeprefix("ghs_").partition("_")[0], **_jwt(value, parts)}


def _bedrock(value: str, _parts: tuple[str, ...]) -> Facts:
    raw = from_base64url(value.removeprefix("ABSK").rstrip("=")) or b""
    return {"user": raw.partition(b":")[0].decode("utf-8", "replace")}


def _bedrock_short(value: str, _parts: tuple[str, ...]) -> Facts:
    raw = from_base64url(value.removeprefix("bedrock-api-key-").rstrip("=")) or b""
    try:
        query = parse_qs(raw.decode("ascii", "replace").partition("?")[2])
        made = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        facts = {"issued": _shown(made), "expires": _shown(made + timedelta(seconds=int(query["X-Amz-Expires"][0])))}
        scope = query["X-Amz-Credential"][0].split("/")
    except (KeyError, ValueError, OverflowError):
        return {}
    return facts | ({"region": scope[2], **_aws("", (scope[0],))} if len(scope) == 5 else {})


def _onepassword(value: str, _parts: tuple[str, ...]) -> Facts:
    read = json_in_base64(value.removeprefix("ops_")) or {}
    return {"account": _text(read.get("signInAddress")), "service account": _text(read.get("email"))}


def _sentry(value: str, _parts: tuple[str, ...]) -> Facts:
    read = json_in_base64(value.removeprefix("sntrys_").rpartition("_")[0]) or {}
    return {"organisation": _text(read.get("org")), "host": _text(read.get("url")), "issued": _time(read.get("iat"))}


def _grafana_cloud(value: str, _parts: tuple[str, ...]) -> Facts:
    read = json_in_base64(value.removeprefix("glc_")) or {}
    region = read.get("m")
    return {
        "organisation": _text(read.get("o")),
        "name": _text(read.get("n")),
        "region": _text(region.get("r")) if isinstance(region, dict) else "",
    }


def _discord(value: str, _parts: tuple[str, ...]) -> Facts:
    raw = from_base64url(value.partition(".")[0]) or b""
    if not raw.isdigit():
        return {}
    made = datetime.fromtimestamp(((int(raw[:20]) >> 22) + 1420070400000) / 1000, UTC)
    return {"bot": raw.decode(), "created": _shown(made)}


def _telegram(value: str, _parts: tuple[str, ...]) -> Facts:
    return {"bot": value.partition(":")[0]}


def _slack(value: str, _parts: tuple[str, ...]) -> Facts:
    found = re.match(r"xox[a-z]-(\d{9,14})-|xapp-1-(A[A-Z0-9]+)-|https://hooks\.slack\.com/services/(T\w+)/", value)
    if found is None:
        return {}
    name = "app" if found[2] else "workspace"
    return {name: found[1] or found[2] or found[3]}


def _mapbox(value: str, _parts: tuple[str, ...]) -> Facts:
    read = json_in_base64(value.split(".")[1] if value.count(".") == 2 else "") or {}
    return {"user": _text(read.get("u"))}


def _google_key(_value: str, parts: tuple[str, ...]) -> Facts:
    return {"key": parts[0]} if parts else {}


def _uri(value: str, _parts: tuple[str, ...]) -> Facts:
    host = _HOST.search(value[value.rfind("@", 0, 800) :])
    return {"host": host[1]} if host else {}


def _public_half(_value: str, parts: tuple[str, ...]) -> Facts:
    return {"key id": parts[0]} if parts else {}


def _pypi(value: str, _parts: tuple[str, ...]) -> Facts:
    raw = from_base64url(value.removeprefix("pypi-"))
    read = macaroon(raw) if raw else None
    return {"index": read.location, "restrictions": str(read.caveats)} if read else {}


def _webhook_host(value: str, _parts: tuple[str, ...]) -> Facts:
    return {"host": urlsplit(value).hostname or ""}


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _time(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        return _shown(datetime.fromtimestamp(value, UTC))
    except (ValueError, OverflowError, OSError):
        return ""


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


FACTS: Mapping[str, Reader] = {
    "aws": _aws,
    "bedrock": _bedrock,
    "bedrock-presigned": _bedrock_short,
    "discord": _discord,
    "github-app": _github_app,
    "google-key": _google_key,
    "grafana-cloud": _grafana_cloud,
    "jwt": _jwt,
    "mapbox": _mapbox,
    "onepassword": _onepassword,
    "public-half": _public_half,
    "pypi": _pypi,
    "sentry": _sentry,
    "slack": _slack,
    "supabase": _supabase,
    "telegram": _telegram,
    "uri": _uri,
    "webhook": _webhook_host,
}
"""Readers by the name that a rule uses."""
