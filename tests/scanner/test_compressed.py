"""Compressed streams: what agents keep in zstd is read as it was, cut and hostile streams are gaps, and memory stays small."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import sqlite3
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from keysweep.scanner.compressed import DamagedError, inflated, open_compressed
from keysweep.scanner.coverage import Gap
from keysweep.scanner.sources.files import Files
from tests.scanner.making import key, look
from tests.scanner.test_archives import READERS, gaps, places, scanned

TEXT = f"first\nsecond\ntoken={key('github-pat')}\n".encode()
ZSTD = zstandard.ZstdCompressor().compress
WRITERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": ZSTD,
}
EVERY = pytest.mark.parametrize("ending", WRITERS)


def whole(data: bytes) -> bytes:
    found = b""
    with open_compressed(io.BytesIO(data)) as stream:
        while block := stream.read(1 << 16):
            found += block
    return found


@EVERY
def test_a_key_in_a_compressed_transcript_is_found(ending: str) -> None:
    """Under the name that the file had before, with the line it stands in."""
    assert places(WRITERS[ending](TEXT), f"rollout.jsonl.{ending}") == [("rollout.jsonl", 3, 7)]


@EVERY
@settings(max_examples=25, deadline=None)
@given(parts=st.lists(st.binary(min_size=1, max_size=5000), min_size=1, max_size=4))
def test_streams_behind_each_other_are_one_text(ending: str, parts: list[bytes]) -> None:
    """As programs write that append to a compressed file."""
    assert whole(b"".join(map(WRITERS[ending], parts))) == b"".join(parts)


@EVERY
def test_a_stream_that_is_cut_short_is_read_up_to_there_and_said(ending: str) -> None:
    """The worker that wrote it was killed."""
    noise = random.Random(1).randbytes(1_200_000).hex().encode()
    data = WRITERS[ending](TEXT + noise)[:-2000]
    assert [finding.rule for finding in scanned(data, f"a.{ending}").findings] == ["github-pat"]
    assert [reason for _, reason in gaps(data, f"a.{ending}")] == [Gap.ARCHIVE_BROKEN]


@EVERY
@settings(max_examples=60, deadline=None)
@given(garbage=st.binary(max_size=300), at=st.integers(0, 60))
def test_no_bytes_behind_a_magic_number_end_the_scan(ending: str, garbage: bytes, at: int) -> None:
    """A gap at worst."""
    data = WRITERS[ending](TEXT)
    result = scanned(data[: 6 + at] + garbage, f"a.{ending}")
    assert result.coverage.files >= 1


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(lambda: ZSTD(bytes(400 << 20)), id="zstd"),
        pytest.param(lambda: lzma.compress(bytes(400 << 20), preset=0), id="xz"),
    ],
)
def test_a_bomb_is_stopped_and_costs_little_memory(bomb: Callable[[], bytes]) -> None:
    """Four hundred megabytes of nothing in a few kilobytes."""
    data = bomb()
    tracemalloc.start()
    try:
        assert [reason for _, reason in gaps(data)] == [Gap.ARCHIVE_BOMB]
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def test_a_frame_that_asks_for_a_huge_window_is_refused() -> None:
    """Its head alone would take a gigabyte."""
    window = zstandard.ZstdCompressionParameters(window_log=30, enable_ldm=True)
    data = zstandard.ZstdCompressor(compression_params=window).compressobj().compress(bytes(1 << 20))
    head = (data or b"")[:6] or b"\x28\xb5\x2f\xfd\x00\xa0"
    with pytest.raises(DamagedError):
        whole(head[:4] + b"\x00\xa0" + b"\x01\x00\x00")


def test_rows_that_a_program_compressed_are_read(tmp_path: Path) -> None:
    """Agents keep events of old sessions that way."""
    with sqlite3.connect(tmp_path / "agent.sqlite") as database:
        database.execute("CREATE TABLE transcript_events (id INTEGER PRIMARY KEY, event_zstd BLOB)")
        database.execute("INSERT INTO transcript_events VALUES (7, ?)", (ZSTD(TEXT),))
    database.close()
    (finding,) = look(Files(tmp_path), readers=READERS).findings
    assert ("transcript_events", 7) in {(place.table, place.rowid) for place in finding.occurrences}


@given(st.binary(max_size=400))
def test_a_value_that_was_not_compressed_stays_as_it_is(value: bytes) -> None:
    """Whatever it begins with; of a damaged one what can be read, or itself."""
    for given_value in (value, b"\x28\xb5\x2f\xfd" + value):
        assert inflated(given_value) or not given_value
    if not value.startswith((b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd")):
        assert inflated(value) == value
