"""Time stamps (RFC 3161) over checkpoints: somebody else's signed word for when the ledger had this head.

What is stamped is the checkpoint's statement and signature, so that the stamp also dates the store's signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from keysweep.foundation.clock import to_text
from keysweep.foundation.errors import UsageError
from keysweep.foundation.ledger.checkpoint import Checkpoint
from keysweep.foundation.ledger.verify import Signed, stamped

_SHA256 = "2.16.840.1.101.3.4.2.1"


class TimeStampError(UsageError):
    """A time stamp could not be had, or is not one of this checkpoint by an authority that is trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for a time stamp."""

    body: bytes
    nonce: int


def ask(checkpoint: Signed) -> Asked:
    """Return a request over a checkpoint, with a fresh nonce and for the certificates that its check needs."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    request = TimestampRequestBuilder(data=stamped(checkpoint), hash_algorithm=HashAlgorithm.SHA256).build()
    return Asked(body=request.as_bytes(), nonce=request.nonce or 0)


def authorities(path: Path) -> tuple[x509.Certificate, ...]:
    """Read the certificates of the authorities that are trusted, PEM.

    Raises:
        UsageError: the file holds none.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise UsageError(msg) from error
    except ValueError:
        msg = f"{path} holds no certificate in PEM"
        raise UsageError(msg) from None


def check(
    answer: bytes, checkpoint: Signed, roots: tuple[x509.Certificate, ...] | None, *, nonce: int | None = None
) -> datetime:
    """Return when a checkpoint existed, as its time stamp says.

    Args:
        answer: the authority's answer, DER.
        checkpoint: what must be stamped.
        roots: authorities that are trusted; None to look only at what is stamped, not at who says so.
        nonce: that of the request, where the answer has just come.

    Raises:
        TimeStampError: names what is wrong.
    """
    import hashlib

    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    digest = hashlib.sha256(stamped(checkpoint)).digest()
    try:
        response = decode_timestamp_response(answer)
        if response.status not in {0, 1}:
            said = "; ".join(response.status_string) or f"status {response.status}"
            msg = f"the authority granted no time stamp: {said[:200]!r}"
            raise TimeStampError(msg)
        info = response.tst_info
        imprint = info.message_imprint
        if imprint.hash_algorithm.dotted_string != _SHA256 or imprint.message != digest:
            msg = f"the time stamp is not over the checkpoint at entry {checkpoint.seq}"
            raise TimeStampError(msg)
        if nonce is not None and info.nonce != nonce:
            msg = "the time stamp answers another request: its nonce is wrong"
            raise TimeStampError(msg)
        if roots is not None:
            VerifierBuilder(roots=list(roots), nonce=nonce).build().verify(response, digest)
        at: datetime = info.gen_time
    except (ValueError, TypeError, VerificationError) as error:
        reason = " ".join(str(error).split())[:200]
        msg = f"the time stamp does not hold: {reason or type(error).__name__}"
        raise TimeStampError(msg) from None
    return at


def as_signed(checkpoint: Checkpoint) -> Signed:
    """Return a checkpoint as the verifier has it."""
    return Signed(checkpoint.seq, checkpoint.head, to_text(checkpoint.at), checkpoint.public_key, checkpoint.signature)
