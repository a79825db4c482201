"""Look for key material in every file below a folder, in the forms in which it could hide."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote


def forms(value: str) -> dict[str, bytes]:
    """Return the encodings of a value; base64 at each of its three alignments."""
    raw = value.encode()
    found = {
        "raw": raw,
        "reversed": raw[::-1],
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "url": quote(value, safe="").encode(),
        "utf-16-le": value.encode("utf-16-le"),
        "utf-16-be": value.encode("utf-16-be"),
    }
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        found[f"base64+{shift}"] = encoded[4 if shift else 0 :].rstrip(b"=")[:-1]
    return found


def leaks(folder: Path, values: Iterable[str]) -> list[str]:
    """Return where any of the values stands in clear, as `file: form`."""
    needles = [(name, form) for value in values for name, form in forms(value).items()]
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found += [f"{path.name}: {name}" for name, form in needles if form in content]
    return found
