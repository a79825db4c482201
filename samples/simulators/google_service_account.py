"""Google service accounts: keys (mint, list, switch off and on, delete) and access tokens.  Shapes after the vendor's IAM reference.

Key files that a person makes share one pair of keys, told apart by their id: making a pair takes a tenth of a second.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

PROJECT = "sim-project"
ACCOUNT = f"agent@{PROJECT}.iam.gserviceaccount.com"
_ADMIN = f"admin@{PROJECT}.iam.gserviceaccount.com"
_KEYS = re.compile(rf"/v1/projects/(?:{PROJECT}|-)/serviceAccounts/([^/]+)/keys(?:/([^/:]+)(?::(enable|disable))?)?")
_LIMIT = 10
_LONGEST_S = 3600
_SKEW_S = 300


def _answer(state: State, call: Call) -> Answer:
    if (call.method, call.path) == ("POST", "/token"):
        return token(state, call)
    if not is_admin(state, call):
        return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
    found = _KEYS.fullmatch(call.path)
    if found is None or found[1].replace("%40", "@") != ACCOUNT:
        return error(404, "NOT_FOUND", "Unknown path.")
    if found[2] is None:
        return _list(state) if call.method == "GET" else _mint(state, call)
    key = state.keys.get(found[2])
    if key is None or key.admin or key.status == "deleted":
        return error(404, "NOT_FOUND", f"Service account key {found[2]} does not exist.")
    if call.method == "DELETE":
        key.status, key.ended_at = "deleted", call.now
    elif found[3]:
        key.status = "active" if found[3] == "enable" else "inactive"
        key.ended_at = call.now if key.status == "inactive" else None
    return Answer(200, {})


def token(state: State, call: Call) -> Answer:
    """Answer a request for an access token by a signed assertion."""
    try:
        head, claims, signature = str(call.body.get("assertion")).split(".")
        key_id, said = _segment(head)["kid"], _segment(claims)
    except (ValueError, KeyError):
        return _invalid_grant("Bad Request")
    key = state.keys.get(str(key_id))
    if not accepted(state, key, call.now) or key is None:
        return _invalid_grant("Invalid JWT Signature.")
    try:
        pem = state.extra["public"][key.id]
        _public(pem).verify(_bytes(signature), f"{head}.{claims}".encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        return _invalid_grant("Invalid JWT Signature.")
    begins, ends = int(said.get("iat", 0)), int(said.get("exp", 0))
    if not begins - _SKEW_S <= call.now <= ends or ends - begins > _LONGEST_S:
        return _invalid_grant(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
        )
    if said.get("aud") != "https://oauth2.googleapis.com/token" or said.get("iss") != _email(admin=key.admin):
        return _invalid_grant("Invalid JWT: Failed audience check.")
    value = f"ya29.{secrets.token_urlsafe(60)}"
    state.extra.setdefault("tokens", {})[digest(value)] = key.id
    return Answer(200, {"access_token": value, "expires_in": 3599, "token_type": "Bearer"})


def is_admin(state: State, call: Call) -> bool:
    """Whether a request carries an access token of the administering account; a token outlives its key."""
    value = call.headers.get("authorization", "").removeprefix("Bearer ")
    key = state.keys.get(state.extra.get("tokens", {}).get(digest(value), ""))
    return key is not None and key.admin


def error(status: int, code: str, message: str) -> Answer:
    """Return an error in Google's envelope."""
    return Answer(status, {"error": {"code": status, "message": message, "status": code}})


def new_file(*, admin: bool) -> str:
    """Return a key file of the agent's or the administering account, as a person downloads it."""
    return _file(_shared_pair(), admin=admin)


def note_public_half(state: State, key: Key, value: str) -> None:  # noqa: ARG001  of a seeded file the pair is known
    """Let the key's signatures be checked."""
    state.extra.setdefault("public", {})[key.id] = _public_pem(_shared_pair())


def id_in(value: str) -> str:
    """Return the id that stands in a key file."""
    return str(json.loads(value)["private_key_id"])


def _mint(state: State, call: Call) -> Answer:
    if sum(not key.admin and key.status != "deleted" for key in state.keys.values()) >= (state.limit or _LIMIT):
        return error(400, "FAILED_PRECONDITION", "Precondition check failed.")
    pair = generate_private_key(public_exponent=65537, key_size=2048)
    value = _file(pair, admin=False)
    key = Key(id=id_in(value), name="", digest=digest(value), hint="", owner=ACCOUNT, created_at=int(call.now))
    state.keys[key.id] = key
    state.extra.setdefault("public", {})[key.id] = _public_pem(pair)
    encoded = base64.b64encode(value.encode()).decode()
    more = {"privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE", "privateKeyData": encoded}
    return Answer(200, {**_shown(key), **more})


def _list(state: State) -> Answer:
    keys = [_shown(key) for key in state.keys.values() if not key.admin and key.status != "deleted"]
    return Answer(200, {"keys": keys} if keys else {})


def _shown(key: Key) -> dict[str, object]:
    shown: dict[str, object] = {
        "name": f"projects/{PROJECT}/serviceAccounts/{ACCOUNT}/keys/{key.id}",
        "validAfterTime": datetime.fromtimestamp(key.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "validBeforeTime": "9999-12-31T23:59:59Z",
        "keyAlgorithm": "KEY_ALG_RSA_2048",
        "keyOrigin": "GOOGLE_PROVIDED",
        "keyType": "USER_MANAGED",
    }
    if key.status == "inactive":
        shown |= {"disabled": True, "disableReason": "SERVICE_ACCOUNT_KEY_DISABLE_REASON_USER_INITIATED"}
    return shown


def _file(pair: RSAPrivateKey, *, admin: bool) -> str:
    pem = pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return json.dumps(
        {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": secrets.token_hex(20),
            "private_key": pem,
            "client_email": _email(admin=admin),
            "client_id": "100000000000000000000",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": "https://oauth2.googleapis.com/token",
            "universe_domain": "googleapis.com",
        },
        indent=2,
    )


def _email(*, admin: bool) -> str:
    return _ADMIN if admin else ACCOUNT


@cache
def _shared_pair() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def _public_pem(pair: RSAPrivateKey) -> str:
    return pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _public(pem: str) -> RSAPublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise InvalidSignature
    return key


def _segment(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_bytes(text))
    return found


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _invalid_grant(why: str) -> Answer:
    return Answer(400, {"error": "invalid_grant", "error_description": why})


VENDOR = Vendor(
    name="google_service_account",
    answer=_answer,
    new_value=new_file,
    id_from=id_in,
    seeded=note_public_half,
)
