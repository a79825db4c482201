"""Azure OpenAI and AI services keys: two fixed slots, `Key1` and `Key2`, that can be read and made anew at any time.

A rotation makes the slot that is not in use anew and moves the agents to it; the key that goes dies when its own slot is made anew,
once, and not at all if the slot holds another value by then.  The id of a key is its slot; nothing else can use the free slot
meanwhile, so agents that share the account must share the credential.  Nothing is left behind by a lost answer.
The probe lists models: dead is 401 with Azure's own sentence about the key.  The sentence names a wrong endpoint in the same breath, so
a death counts only after the new key was accepted at the same endpoint, as every rotation asks first.  How long an old key is
still accepted is not documented; a minute is assumed.
Source: the vendor's Cognitive Services management reference (regenerateKey, listKeys, 2025-09-01) and SDK.  Settings: `tenant_id`,
`subscription_id`, `resource_group`, `account_name`, `endpoint` (https://NAME.openai.azure.com), `base_url`.  The administering
credential is `CLIENT_ID:SECRET` of an application that may write the account.
"""

from __future__ import annotations

from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.oauth import entra_admin
from keysweep.rotation.providers import (
    Account,
    Facts,
    Kind,
    Minted,
    Provider,
    ProviderError,
    ProviderKey,
    Trouble,
    Verdict,
)
from keysweep.rotation.vendor import bearer, call, parsed, read, setting, unreadable, verdict

_BASE = "https://management.azure.com"
_VERSION = "2025-09-01"
_MODELS = "/openai/models?api-version=2024-10-21"
_OTHER = {"Key1": "Key2", "Key2": "Key1"}
_FIELDS = {"Key1": "key1", "Key2": "key2"}
_SHOWN = 4


def probe(account: Account, secret: Secret) -> Verdict:
    """List models: 200 is alive, 401 with Azure's sentence about the key is dead."""
    return verdict(lambda: _models(account, secret), alive=frozenset({200}), dead=_dead)


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List both slots."""
    values = _values(account)
    return tuple(ProviderKey(key_id=slot, name="", active=True, hint=_masked(values[slot])) for slot in _OTHER)


def identify(account: Account, secret: Secret) -> str | None:
    """Read both slots and return the one that holds the value."""
    held = [slot for slot, value in _values(account).items() if value.reveal() == secret.reveal()]
    return held[0] if held else None


def mint(account: Account, tag: str) -> Secret:  # noqa: ARG001  a slot has no name
    """Make the slot anew that the key which goes is not in."""
    slot = _OTHER[_slot(account.key_id)]
    answer = _call(account, "regenerateKey", {"keyName": slot})
    return _with_slot(slot, expect(answer, what="making a slot anew"))


def read_back(account: Account, key_id: str) -> Secret:
    """Return what a slot holds."""
    return _with_slot(_slot(key_id), expect(_call(account, "listKeys"), what="reading the slots"))


def read_minted(raw: Secret) -> Minted:
    """Read what `mint` and `read_back` return."""
    match read(raw):
        case {"slot": str(slot), "answer": {**answer}} if (value := answer.get(_FIELDS[_slot(slot)])) and isinstance(
            value, str
        ):
            return Minted(secret=Secret(value), key_id=slot)
        case _:
            raise unreadable(what="the answer with the keys")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:
    """Make the slot anew, unless it holds another value than the given one already."""
    slot = _slot(key_id)
    if secret and _values(account)[slot].reveal() != secret.reveal():
        return
    expect(_call(account, "regenerateKey", {"keyName": slot}), what="making a slot anew")


def _models(account: Account, secret: Secret) -> Response:
    endpoint = account.settings.get("endpoint", "")
    if not endpoint and "base_url" not in account.settings:
        msg = f"the setting endpoint is missing for {account.credential!r}"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return call(account, "GET", _MODELS, base=endpoint, headers={"api-key": secret.reveal_text()})


def _values(account: Account) -> dict[str, Secret]:
    match expect(_call(account, "listKeys"), what="reading the slots").json():
        case {"key1": str(first), "key2": str(second)}:
            return {"Key1": Secret(first), "Key2": Secret(second)}
        case _:
            raise unreadable(what="the list of keys")


def _call(account: Account, action: str, body: object = None) -> Response:
    path = (
        f"/subscriptions/{setting(account, 'subscription_id')}/resourceGroups/{setting(account, 'resource_group')}"
        f"/providers/Microsoft.CognitiveServices/accounts/{setting(account, 'account_name')}/{action}"
        f"?api-version={_VERSION}"
    )
    token = entra_admin(account, scope=f"{_BASE}/.default")
    return call(account, "POST", path, base=_BASE, headers=bearer(token), body=body)


def _with_slot(slot: str, answer: Response) -> Secret:
    return Secret(b'{"slot":"%b","answer":%b}' % (slot.encode(), answer.body))


def _slot(key_id: str | None) -> str:
    if key_id not in _OTHER:
        msg = "the key's slot is not known: Key1 or Key2"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return key_id


def _masked(value: Secret) -> str:
    return f"...{value.reveal_text()[-_SHOWN:]}"


def _dead(answer: Response) -> str | None:
    match answer.status, parsed(answer):
        case 401, {"error": {"code": "401" | "Unauthorized", "message": str(why)}} if "invalid subscription key" in why:
            return "401 invalid subscription key"
        case _:
            return None


PROVIDER = Provider(
    title="Azure OpenAI and AI services (account keys)",
    facts=Facts(
        kind=Kind.MINT_READABLE,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(minutes=1),
        needs_admin=True,
        tag_limit=0,
        proven_on="a stateful simulator that the vendor's own management SDK and the Azure client of OpenAI's SDK accept",
    ),
    probe=probe,
    find=find,
    identify=identify,
    mint=mint,
    read_minted=read_minted,
    read_back=read_back,
    revoke=revoke,
)
