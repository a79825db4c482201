"""How the first bytes of a file say that it is an image; apart from the reader, which is loaded only for one."""

from __future__ import annotations

_SURE = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_SHORT = (b"BM", b"II*\0", b"MM\0*")


def is_image(_name: str, head: bytes) -> bool:
    """Whether a file begins like an image of a kind that is read."""
    if head.startswith(_SURE):
        return True
    if head.startswith(_SHORT):
        return len(head) >= 26 and b"\0" in head[:26]
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"
