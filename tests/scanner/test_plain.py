"""Anything as text: windows over the stored bytes with exact offsets, and wide encodings turned into UTF-8."""

from __future__ import annotations

import codecs
import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysweep.scanner.coverage import CoverageLog
from keysweep.scanner.finding import Occurrence
from keysweep.scanner.readers import plain
from keysweep.scanner.readers.plain import OVERLAP, READER, WINDOW
from tests.scanner.making import Blobs, blob, example, key, look


def places(data: bytes) -> tuple[Occurrence, ...]:
    (finding,) = look(Blobs((blob(data),))).findings
    return finding.occurrences


ENCODINGS = {
    "UTF-8": ("utf-8", b""),
    "UTF-8 with a mark": ("utf-8", codecs.BOM_UTF8),
    "UTF-16 little with a mark": ("utf-16-le", codecs.BOM_UTF16_LE),
    "UTF-16 big with a mark": ("utf-16-be", codecs.BOM_UTF16_BE),
    "UTF-16 little": ("utf-16-le", b""),
    "UTF-16 big": ("utf-16-be", b""),
    "UTF-32 little with a mark": ("utf-32-le", codecs.BOM_UTF32_LE),
    "UTF-32 big with a mark": ("utf-32-be", codecs.BOM_UTF32_BE),
    "UTF-32 little": ("utf-32-le", b""),
    "UTF-32 big": ("utf-32-be", b""),
    "Latin-1": ("latin-1", b""),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_key_is_found_in_every_encoding(name: str) -> None:
    """With and without a byte order mark, with letters that are not English around it."""
    encoding, mark = ENCODINGS[name]
    text = f"# Schlüssel für den Dienst\r\nTOKEN = {key('github-pat')}\r\n"
    data = mark + text.encode(encoding)
    (place,) = places(data)
    if encoding in {"utf-8", "latin-1"}:
        assert data[place.start : place.end].decode() == key("github-pat")
        assert (place.line, place.via) == (2, ())
    else:
        assert (place.start, place.end) == (0, len(data))
        assert place.via == (encoding[:6],)


@pytest.mark.parametrize(
    "around",
    [
        pytest.param((b"\0" * 50, b"\0" * 50), id="zeros"),
        pytest.param((b"\xff\xfe\xfd", b"\xff"), id="a mark of wide text, and none follows"),
        pytest.param((codecs.BOM_UTF16_LE + "Lines\r\n".encode("utf-16-le"), b"\n"), id="a plain line after wide ones"),
        pytest.param((b"\xfd\x80", b"\xff"), id="no UTF-8"),
        pytest.param((b"\xed\xa0\x80", b"\xed\xbf\xbf"), id="lone surrogates"),
        pytest.param(("é".encode("utf-16-le") + "é".encode("latin-1"), "€".encode()), id="mixed encodings"),
        pytest.param((b"\x7fELF\x02\x01\x01" + bytes(range(256)), bytes(range(255, -1, -1))), id="a program"),
        pytest.param((b"x = ", b"\r"), id="old line ends"),
    ],
)
def test_a_key_is_found_between_any_bytes(around: tuple[bytes, bytes]) -> None:
    """What is no text does not hide the text in it."""
    data = around[0] + key("github-pat").encode() + around[1]
    (place,) = places(data)
    assert data[place.start : place.end].decode() == key("github-pat")


def test_a_table_of_small_numbers_is_not_taken_for_wide_text() -> None:
    """Four-byte numbers have the zeros of UTF-32; a key behind them must be seen in the bytes as stored."""
    table = b"".join(number.to_bytes(4, "little") for number in range(1, 30)) * 20
    data = table + f"\ntoken={key('github-pat')}\n".encode()
    (place,) = places(data)
    assert data[place.start : place.end].decode() == key("github-pat")


@settings(max_examples=40, deadline=None)
@given(before=st.binary(max_size=300), after=st.binary(max_size=60).filter(lambda text: b"ignore" not in text))
def test_offsets_line_and_column_map_back(before: bytes, after: bytes) -> None:
    """start and end slice the file to exactly the key; line and column, counted in bytes, lead to the same place."""
    secret = key("anthropic-api-key").encode()
    data = b"#" + before + b"\n= " + secret + b" " + after
    place = places(data)[0]
    if place.via:
        return
    assert data[place.start : place.end] == secret
    assert place.line is not None
    assert place.column is not None
    line = data.split(b"\n")[place.line - 1]
    assert line[place.column - 1 :].startswith(secret)


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Make windows small, so that every alignment of a key at a seam is cheap to try."""
    monkeypatch.setattr(plain, "WINDOW", 1024)
    monkeypatch.setattr(plain, "OVERLAP", 512)
    return 1024, 512


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("rule", ["github-pat", "anthropic-oauth-token", "gitlab-token", "postgresql-uri"])
def test_a_key_on_a_seam_is_found_exactly_once(rule: str, encoding: str, small_windows: tuple[int, int]) -> None:
    """Every alignment around a window's end: also where a cut key would still look like a shorter one."""
    secret = example(rule, seed=3).key
    mark = codecs.BOM_UTF16_LE if encoding != "utf-8" else b""
    for before in range(small_windows[0] - len(secret) - 20, small_windows[0] + 20):
        text = b"-" * 30 + b"\n" + b" " * (before - 31) + secret + b" \n" + b"." * 1500 + b"\n"
        data = mark + text.decode().encode(encoding)
        (finding,) = look(Blobs((blob(data),))).findings
        assert (finding.rule, finding.preview.length) == (rule, len(secret)), before
        (place,) = finding.occurrences
        if encoding == "utf-8":
            assert (data[place.start : place.end], place.line, place.column) == (secret, 2, before - 30), before


def test_a_longer_token_is_none_wherever_a_window_ends(small_windows: tuple[int, int]) -> None:
    """A seam in the middle of a token must not make a key of its end or of its beginning."""
    token = b"Z" * 40 + key("github-pat").encode() + b"Z" * 40
    for before in range(small_windows[0] - len(token), small_windows[0] + small_windows[1]):
        data = b"." * before + token + b" " + b"." * 1500
        assert look(Blobs((blob(data),))).findings == (), before


def test_keys_in_every_window_are_all_found(small_windows: tuple[int, int]) -> None:
    """None is lost, none is doubled, in order."""
    secrets = [key("github-pat", seed=seed).encode() for seed in range(200)]
    data = b"\n".join(secrets)
    result = look(Blobs((blob(data),)))
    places = sorted((o.start, o.end) for finding in result.findings for o in finding.occurrences)
    assert places == [(at, at + 40) for at in range(0, len(data), 41)]
    assert result.coverage.bytes == len(data)


def test_suppressed_keys_are_counted_once(small_windows: tuple[int, int]) -> None:
    """A key that a comment accepts in the text that two windows share is one, not two."""
    data = b"." * 700 + b"\n" + key("github-pat").encode() + b" # keysweep: ignore\n" + b"." * 1500
    assert look(Blobs((blob(data),))).suppressed == 1


def test_the_real_windows_hold_the_widest_key() -> None:
    """A key on a seam is whole in one of the two windows."""
    from keysweep.scanner.matching.compiled import compile_rule
    from tests.scanner.making import ruleset

    widest = max(compile_rule(rule).width for rule in ruleset().rules)
    assert widest + 64 < OVERLAP < WINDOW


def test_a_line_of_fifty_megabytes_is_read_in_linear_time_and_bounded_segments() -> None:
    """Twice the line takes about twice the processor time, and no segment is larger than two windows."""

    def cost(megabytes: int) -> tuple[float, int]:
        line = b"x" * 1023 + b" "
        data = line * (megabytes << 10) + b"token=" + key("github-pat").encode()
        log = CoverageLog()
        before = time.process_time()
        largest = max(len(segment.data) for segment in READER.segments(blob(data), log))
        assert log.bytes == len(data)
        return time.process_time() - before, largest

    cost(25)
    (half, _), (whole, largest) = cost(25), cost(50)
    assert largest <= WINDOW + OVERLAP
    assert whole < 6 * half + 0.5


def test_a_stream_of_unknown_length_is_read_to_its_end() -> None:
    """A pipe gives what it has in pieces."""
    data = b"." * 100_000 + b" " + key("github-pat").encode()
    stream = blob(b"")._replace(size=None, open=lambda: io.BufferedReader(io.BytesIO(data)))  # type: ignore[arg-type]
    (finding,) = look(Blobs((stream,))).findings
    assert finding.occurrences[0].start == 100_001
