"""Every reader: offsets map back, output is bounded, and garbage is a gap, never the end."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysweep.scanner import readers
from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.finding import Box, Segment
from keysweep.scanner.ocr import Word
from keysweep.scanner.readers import Reader
from keysweep.scanner.readers.archive import archive_reader
from keysweep.scanner.readers.image import image_reader
from keysweep.scanner.readers.plain import READER as PLAIN
from keysweep.scanner.readers.sqlite import sqlite_reader
from tests.scanner.making import blob

FOLDER = Path(readers.__file__).parent


class Scripted:
    """An OCR engine that reads what it was given: the fake of the seam."""

    def __init__(self, *words: Word) -> None:
        self._words = words

    def words(self, png: bytes) -> Sequence[Word]:
        assert png.startswith(b"\x89PNG")
        return self._words


WORD = Word(text="hello", box=Box(left=20, top=20, width=30, height=10), line=1, certainty=0.9)
READERS = {
    "plain": PLAIN,
    "image": image_reader(Scripted(WORD)),
    "sqlite": sqlite_reader(PLAIN),
    "archive": archive_reader(lambda _name, _head: PLAIN),
}


def read(reader: Reader, data: bytes) -> tuple[list[Segment], CoverageLog]:
    log = CoverageLog()
    return list(reader.segments(blob(data), log)), log


def png(width: int, height: int, rows: bytes) -> bytes:
    """Return a PNG whose header says what it is told."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def animation(frames: int) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    pictures = [Image.new("L", (8, 8), number * 60) for number in range(frames)]
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:])
    return out.getvalue()


GOOD_PNG = png(4, 4, b"\0\0\0\0\0" * 4)
NOISE_PNG = png(64, 64, b"".join(b"\0" + random.Random(row).randbytes(64) for row in range(64)))


def test_every_reader_is_under_contract() -> None:
    """A new file in the folder must be added here."""
    assert {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "worker"} == set(READERS)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="a magic number alone"),
        pytest.param(b"\xff\xd8\xff" + b"\0" * 40, id="a broken JPEG"),
        pytest.param(b"GIF89a" + b"\xff" * 40, id="a broken GIF"),
        pytest.param(b"RIFF\0\0\0\0WEBP" + b"\0" * 20, id="a broken WebP"),
        pytest.param(bytes(range(256)) * 8, id="every byte"),
        pytest.param(b"\xff\xfe", id="a byte order mark alone"),
        pytest.param(b"\xff\xfe\0", id="half a character"),
        pytest.param(b"\0" * 4096, id="zeros"),
        pytest.param(b"[" * 100_000, id="deep JSON"),
    ],
)
def test_garbage_ends_as_text_or_as_a_gap(name: str, data: bytes) -> None:
    """Each input is read or on record, and nothing is raised."""
    segments, log = read(READERS[name], data)
    assert segments or log.close().skipped


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=600))
def test_any_bytes_are_survived(data: bytes) -> None:
    """The plain reader takes everything, and every byte of it is in some segment."""
    segments, log = read(PLAIN, data)
    assert (log.files, log.bytes) == (1, len(data))
    for segment in segments:
        if segment.encoded_length is None:
            assert segment.data == data[segment.start : segment.start + len(segment.data)]


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_cannot_be_opened_is_a_gap(name: str) -> None:
    """It went away, or may not be read."""

    def gone() -> io.BytesIO:
        raise PermissionError

    log = CoverageLog()
    assert list(READERS[name].segments(blob(b"")._replace(open=gone), log)) == []
    assert [skip.reason for skip in log.close().skipped] == [Gap.UNREADABLE]


@pytest.mark.parametrize(
    ("head", "taken"),
    [
        pytest.param(GOOD_PNG, True, id="PNG"),
        pytest.param(b"\xff\xd8\xff\xe0" + b"\0" * 20, True, id="JPEG"),
        pytest.param(animation(1), True, id="GIF"),
        pytest.param(b"RIFF\x24\0\0\0WEBPVP8 ", True, id="WebP"),
        pytest.param(b"BM" + b"\0" * 40, True, id="BMP"),
        pytest.param(b"BMW is a maker of cars, and this is text", False, id="text that begins with BM"),
        pytest.param(b"II*", False, id="text that begins like TIFF"),
        pytest.param(b"plain text", False, id="text"),
        pytest.param(b"", False, id="nothing"),
        pytest.param(b"RIFF\0\0\0\0WAVE", False, id="sound"),
    ],
)
def test_an_image_is_known_by_its_content(head: bytes, taken: bool) -> None:
    """Never by its name: a screenshot called .txt is an image, a text called .png is text."""
    for name in ("a.png", "a.txt"):
        assert READERS["image"].accepts(name, head[:64]) is taken


@pytest.mark.parametrize(
    ("data", "gap"),
    [
        pytest.param(NOISE_PNG[:900], Gap.IMAGE_BROKEN, id="cut off"),
        pytest.param(NOISE_PNG[:20] + b"\xff" + NOISE_PNG[21:], Gap.IMAGE_BROKEN, id="its header is damaged"),
        pytest.param(png(4, 4, b"\0" * 3), Gap.IMAGE_BROKEN, id="fewer pixels than it says"),
        pytest.param(png(100_000, 100_000, b"\0"), Gap.IMAGE_LIMITS, id="a bomb by its header"),
        pytest.param(png(1, 2_000_000_000, b"\0"), Gap.IMAGE_LIMITS, id="one pixel wide, two thousand million high"),
        pytest.param(png(9_000, 8_000, b"\0"), Gap.IMAGE_LIMITS, id="just above the limit"),
        pytest.param(b"\x89PNG\r\n\x1a\nno image at all", Gap.IMAGE_BROKEN, id="not an image"),
        pytest.param(animation(3), Gap.TRUNCATED, id="an animation: only its first frame is read"),
    ],
)
def test_a_hostile_image_is_a_gap(data: bytes, gap: Gap) -> None:
    """The worker refuses or dies; the scan goes on and says so."""
    segments, log = read(READERS["image"], data)
    assert [skip.reason for skip in log.close().skipped] == [gap]
    assert bool(segments) is (gap is Gap.TRUNCATED)


def test_an_image_is_decoded_in_a_process_without_the_callers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker of a good image sees no variable of ours, and no module of the folder it is started in."""
    Path("PIL.py").write_text("raise SystemExit(9)")
    Path("io.py").write_text("raise SystemExit(9)")
    monkeypatch.setenv("PYTHONPATH", ".")
    segments, log = read(READERS["image"], GOOD_PNG)
    assert segments[0].data == b"hello"
    assert log.close().complete


def test_an_image_without_an_engine_is_a_gap() -> None:
    """An unread screenshot is never a clean one."""
    segments, log = read(image_reader(None), GOOD_PNG)
    assert (segments, [skip.reason for skip in log.close().skipped]) == ([], [Gap.NO_OCR])


@given(
    sizes=st.lists(
        st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(1, 90), st.integers(1, 30)), max_size=12
    ),
    texts=st.data(),
)
@settings(max_examples=25, deadline=None)
def test_words_of_an_image_map_back_to_their_boxes(
    sizes: list[tuple[int, int, int, int]], texts: st.DataObject
) -> None:
    """Each word's text stands at its place, words of a line are joined by a space, lines by a break."""
    words = [
        Word(
            text=texts.draw(st.text("abcXYZ0189é€", min_size=1, max_size=9)),
            box=Box(left=left, top=top, width=width, height=height),
            line=number // 3,
            certainty=0.5,
        )
        for number, (left, top, width, height) in enumerate(sizes)
    ]
    from keysweep.scanner.readers.image import _lines

    data, layout = _lines(words, 1.0)
    assert [data[placed.start : placed.end].decode() for placed in layout] == [word.text for word in words]
    assert [(placed.box.width, placed.box.height) for placed in layout] == [(w.box.width, w.box.height) for w in words]
    assert data.decode() == "\n".join(
        " ".join(word.text for word in words if word.line == line) for line in sorted({word.line for word in words})
    )
