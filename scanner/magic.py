"""How the first bytes of a file say what it is; apart from the readers, which are loaded only for what they read."""

from __future__ import annotations

_SURE = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_SHORT = (b"BM", b"II*\0", b"MM\0*")

IMAGES = (*_SURE, *_SHORT, b"RIFF")
"""What images begin with, and little else does."""
GZIP, BZIP2, XZ, ZSTD = b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
ARCHIVES = (b"PK\x03\x04", GZIP, BZIP2, XZ, ZSTD)
"""What archives begin with, and little else does."""
DATABASES = (b"SQLite format 3\0",)
"""What databases begin with."""


def is_image(_name: str, head: bytes) -> bool:
    """Whether a file begins like an image of a kind that is read."""
    if head.startswith(_SURE):
        return True
    if head.startswith(_SHORT):
        return len(head) >= 26 and b"\0" in head[:26]
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def is_archive(_name: str, head: bytes) -> bool:
    """Whether a file begins like an archive, or one compressed file: zip, which office documents are too, gzip, bzip2, xz, zstd."""
    return head.startswith(ARCHIVES) and (head[:3] != b"BZh" or head[4:10] == b"1AY&SY")


def is_sqlite(_name: str, head: bytes) -> bool:
    """Whether a file begins like a SQLite database."""
    return head.startswith(DATABASES)
