"""Look for key material: in whatever form it could hide, in whatever a file holds once it is unpacked."""

from __future__ import annotations

import base64
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

_SLICE = 24
"""Characters from the middle of a long value: a cut-off leak is one too."""


def forms(value: str) -> dict[str, bytes]:
    """Return the ways to write a value: raw, base64 at each alignment, hex, URL-encoded, UTF-16, reversed."""
    raw = value.encode()
    found = {
        "raw": raw,
        "reversed": raw[::-1],
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "url": quote(value, safe="").encode(),
        "every character url-encoded": "".join(f"%{byte:02X}" for byte in raw).encode(),
        "utf-16-le": value.encode("utf-16-le"),
        "utf-16-be": value.encode("utf-16-be"),
    }
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + raw).rstrip(b"=")[:-1]
        text = encoded[4 if shift else 0 :]
        found[f"base64+{shift}"] = text
        found[f"base64url+{shift}"] = text.replace(b"+", b"-").replace(b"/", b"_")
    return found


def needles(values: Mapping[str, str]) -> dict[str, frozenset[bytes]]:
    """Return what to look for, by name of the value: of a long value its middle, of a URI its password too."""
    return {
        name: frozenset(form for part in _parts(value) for form in forms(part).values())
        for name, value in values.items()
    }


def found_in(content: bytes, looked_for: Mapping[str, frozenset[bytes]]) -> set[str]:
    """Return the names of the values that stand in *content*, unpacked or not."""
    views = list(unpacked(content))
    return {name for name, parts in looked_for.items() if any(part in view for view in views for part in parts)}


def found_below(
    folders: Iterable[Path], looked_for: Mapping[str, frozenset[bytes]], *, but: Iterable[tuple[str, str]] = ()
) -> list[tuple[str, str]]:
    """Return (file, name of the value) for every file that holds one.

    Args:
        folders: where to look, all depths.
        looked_for: what `needles` gave.
        but: (beginning of the path below its folder, name) that is known to be there.
    """
    known = tuple(but)
    found: list[tuple[str, str]] = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            place = path.relative_to(folder).as_posix()
            names = found_in(path.read_bytes(), looked_for) | found_in(place.encode(), looked_for)
            allowed = {name for start, name in known if place.startswith(start)}
            found += [(place, name) for name in sorted(names - allowed)]
    return found


def unpacked(content: bytes) -> Iterator[bytes]:
    """Yield the bytes, and what they hold compressed: streams and attachments of a PDF, members of an archive, zlib, gzip."""
    yield content
    if content.startswith(b"%PDF"):
        import pikepdf

        with pikepdf.open(io.BytesIO(content)) as document:
            for item in document.objects:
                if isinstance(item, pikepdf.Stream):
                    yield item.read_bytes() if "/Filter" in item else item.read_raw_bytes()
        text = _printed(content)
        yield text
        yield re.sub(rb"\s", b"", text)
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield archive.read(member)
    if content[:1] == b"\x78" or content[:2] == b"\x1f\x8b":
        try:
            yield zlib.decompressobj(wbits=47).decompress(content)
        except zlib.error:
            return


def _printed(content: bytes) -> bytes:
    import pypdf

    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages).encode()


def _parts(value: str) -> Iterator[str]:
    password = urlsplit(value).password if "://" in value else None
    if password:
        yield password
    elif len(value) > _SLICE * 2:
        middle = (len(value) - _SLICE) // 2
        yield value[middle : middle + _SLICE]
    else:
        yield value
