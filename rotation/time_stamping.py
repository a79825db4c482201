"""Have a checkpoint of the ledger stamped by a time-stamping authority, and keep what came back once it is proven."""

from __future__ import annotations

from cryptography.x509 import Certificate

from keysweep.foundation.ledger import anchor, time_stamp
from keysweep.foundation.ledger.checkpoint import Checkpoint
from keysweep.foundation.ledger.time_stamp import TimeStampError
from keysweep.rotation import http
from keysweep.rotation.providers import ProviderError
from keysweep.rotation.vault import watch
from keysweep.rotation.vault.unlock import OpenVault

_TIMEOUT_S = 20.0
_LARGEST = 256 << 10
"""Bytes of an answer; a token with its chain has some thousand."""


def stamp(
    opened: OpenVault, url: str, roots: tuple[Certificate, ...], *, timeout_s: float = _TIMEOUT_S
) -> tuple[Checkpoint, bytes]:
    """Sign the ledger as it stands, have that stamped, and keep the stamp; the same head is stamped once by an authority.

    Args:
        opened: the store.
        url: of the authority; https, or http to this machine.
        roots: certificates that its chain must end in.
        timeout_s: for the whole answer.

    Raises:
        TimeStampError: there is no stamp, or not one that holds; nothing is kept then.
    """
    with opened.database.write() as connection:
        taken = watch.signed_now(opened, connection)
        kept = anchor.receipt(connection, taken.seq, url)
    signed = time_stamp.as_signed(taken)
    if kept is not None:
        time_stamp.check(kept, signed, roots)
        return taken, kept
    asked = time_stamp.ask(signed)
    answer = _answer(url, asked.body, timeout_s)
    time_stamp.check(answer, signed, roots, nonce=asked.nonce)
    with opened.database.write() as connection:
        anchor.note(connection, taken.seq, url, opened.clock(), receipt=answer)
    return taken, answer


def _answer(url: str, body: bytes, timeout_s: float) -> bytes:
    headers = {"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"}
    try:
        response = http.request("POST", url, headers=headers, body=body, timeout_s=timeout_s, largest=_LARGEST)
    except ProviderError as error:
        msg = f"no time stamp: {error.message}"
        raise TimeStampError(msg) from error
    if response.status != 200:
        msg = f"no time stamp: the authority answered {response.status}"
        raise TimeStampError(msg)
    return response.body
