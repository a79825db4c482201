"""UTF-16 inside of other bytes, such as a database or a core dump; whole files in it are decoded by their reader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from keysweep.scanner.decoders import Anchor, Decoded, Decoder, Piece, Spot
from keysweep.scanner.runs import extent

_PART = 5
_LITTLE, _BIG = 0, 1
_RUNS = {
    _LITTLE: (re.compile(rb"(?:[\t\n\r\x20-\x7e]\0)*"), re.compile(rb"(?:\0[\t\n\r\x20-\x7e])*")),
    _BIG: (re.compile(rb"(?:\0[\t\n\r\x20-\x7e])*"), re.compile(rb"(?:[\t\n\r\x20-\x7e]\0)*")),
}


def _anchors(heads: Iterable[bytes]) -> Sequence[Anchor]:
    parts = dict.fromkeys(head[:_PART] for head in heads)
    return [
        Anchor(
            b"".join(f"\\x{byte:02x}".encode() for byte in part.decode("latin-1").encode(encoding)), 2 * len(part), note
        )
        for part in parts
        for note, encoding in ((_LITTLE, "utf-16-le"), (_BIG, "utf-16-be"))
    ]


def _decode(data: bytes, spots: Sequence[Spot]) -> Iterator[Decoded]:
    taken = {_LITTLE: -1, _BIG: -1}
    for spot in spots:
        start = spot.end - spot.width
        if start < taken[spot.note]:
            continue
        forward, backward = _RUNS[spot.note]
        first, end = extent(data, start, spot.end, forward=forward, backward=backward)
        taken[spot.note] = end
        text = data[first + spot.note : end : 2]
        pieces = tuple(Piece(at, first + 2 * at, first + 2 * at + 2) for at in range(len(text)))
        yield Decoded(via=("utf-16",), data=text, start=first, end=end, pieces=pieces)


DECODER = Decoder(name="utf-16", anchors=_anchors, decode=_decode)
