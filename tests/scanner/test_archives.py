"""Archives: a key in a member is found under the member's name, and a hostile archive is a gap that is paid for with little."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysweep.scanner.coverage import Gap
from keysweep.scanner.on_demand import archives, databases
from keysweep.scanner.pipeline import ScanResult
from keysweep.scanner.readers.plain import READER as PLAIN
from keysweep.scanner.sources.git import Git
from keysweep.scanner.tarball import TarBrokenError, tar_members
from tests.scanner.making import Blobs, blob, key, look
from tests.scanner.repositories import Repo

INNER = (databases(PLAIN), PLAIN)
READERS = (archives(INNER), *INNER)
TEXT = f"first\nsecond\ntoken={key('github-pat')}\n".encode()


def scanned(data: bytes, name: str = "a.bin") -> ScanResult:
    return look(Blobs((blob(data, name),)), readers=READERS)


def places(data: bytes, name: str = "a.bin") -> list[tuple[str | None, int | None, int | None]]:
    """Return member, line and column of the one key."""
    (finding,) = scanned(data, name).findings
    return [(place.member, place.line, place.column) for place in finding.occurrences]


def gaps(data: bytes, name: str = "a.bin") -> list[tuple[str, Gap]]:
    return [(skip.path, skip.reason) for skip in scanned(data, name).coverage.skipped]


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def tarred(*members: tuple[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


LONG = "/".join(["a-long-folder-name"] * 14) + "/k.txt"
GOOD = [
    pytest.param(zipped(("x/k.txt", TEXT)), "x/k.txt", id="zip"),
    pytest.param(zipped(("x/k.txt", TEXT), method=zipfile.ZIP_STORED), "x/k.txt", id="zip, stored"),
    pytest.param(zipped(("x/k.txt", TEXT), method=zipfile.ZIP_BZIP2), "x/k.txt", id="zip, bzip2"),
    pytest.param(gzip.compress(TEXT), "a.log", id="gzip"),
    pytest.param(gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:]), "a.log", id="gzip in two parts"),
    pytest.param(bz2.compress(TEXT), "a.log", id="bzip2"),
    pytest.param(gzip.compress(tarred(("x", b"-" * 700), ("x/k.txt", TEXT))), "x/k.txt", id="tar.gz"),
    pytest.param(bz2.compress(tarred(("x/k.txt", TEXT))), "x/k.txt", id="tar.bz2"),
    pytest.param(gzip.compress(tarred((LONG, TEXT))), LONG, id="tar with an extended name"),
    pytest.param(gzip.compress(tarred((LONG, TEXT), form=tarfile.GNU_FORMAT)), LONG, id="tar with a long name"),
    pytest.param(
        zipped(("i.zip", zipped(("d.tgz", gzip.compress(tarred(("k", TEXT))))))), "i.zip!d.tgz!k", id="three deep"
    ),
    pytest.param(zipped(("../../etc/k", TEXT)), "../../etc/k", id="a name that climbs"),
]


@pytest.mark.parametrize(("data", "member"), GOOD)
def test_a_key_is_found_in_a_member(data: bytes, member: str) -> None:
    """Under the member's name, at the line and column in it."""
    assert places(data, "a.log.gz") == [(member, 3, 7)]
    assert gaps(data, "a.log.gz") == []


def test_a_name_that_climbs_writes_nothing(tmp_path: Path) -> None:
    """Nothing is extracted."""
    before = sorted(tmp_path.parent.rglob("*"))
    scanned(zipped(("../../k.txt", TEXT), ("/tmp/k.txt", TEXT)))
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_an_office_document_is_read() -> None:
    """It is a zip with XML in it."""
    assert places(zipped(("[Content_Types].xml", b"<a/>"), ("word/document.xml", TEXT)), "a.docx") == [
        ("word/document.xml", 3, 7)
    ]


def test_an_archive_of_the_history_names_commit_and_member(tmp_path: Path) -> None:
    """It was committed like any file."""
    repo = Repo(tmp_path / "r")
    commit = repo.commit(a_zip=zipped(("k.txt", TEXT)))
    (finding,) = look(Git(repo.path), readers=READERS).findings
    assert [(p.path, p.member, p.commit) for p in finding.occurrences] == [("a.zip", "k.txt", commit)]


def encrypted() -> bytes:
    data = bytearray(zipped(("k.txt", TEXT), ("open.txt", TEXT)))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + at] |= 1
    return bytes(data)


def test_an_encrypted_member_is_a_gap_and_the_others_are_read() -> None:
    assert gaps(encrypted()) == [("a.bin!k.txt", Gap.ENCRYPTED)]
    assert places(encrypted()) == [("open.txt", 3, 7)]


def many_times(count: int) -> bytes:
    """Return a zip whose list names one large member again and again."""
    whole = zipped(("k", bytes(8 << 20)))
    at, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    entry = whole[at:end]
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(entry) * count, at, 0)
    return whole[:at] + entry * count + tail


def wrong_checksum() -> bytes:
    data = bytearray(zipped(("k.txt", TEXT), method=zipfile.ZIP_STORED))
    data[data.index(b"first")] ^= 1
    return bytes(data)


def claims_a_list_of_gigabytes() -> bytes:
    data = bytearray(zipped(("k.txt", TEXT)))
    struct.pack_into("<I", data, data.index(b"PK\x05\x06") + 12, 0xFFFFFFF0)
    return bytes(data)


def deep(levels: int) -> bytes:
    data = zipped(("k.txt", TEXT))
    for number in range(levels):
        data = zipped((f"{number}.zip", data))
    return data


def header_of_a_tar(size: bytes) -> bytes:
    header = bytearray(tarred(("k", b"x"))[:512])
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return gzip.compress(bytes(header) + b"x" * 512)


HOSTILE = [
    pytest.param(lambda: gzip.compress(bytes(200 << 20)), Gap.ARCHIVE_BOMB, id="a bomb"),
    pytest.param(lambda: zipped(("b.gz", gzip.compress(bytes(200 << 20)))), Gap.ARCHIVE_BOMB, id="a bomb in a zip"),
    pytest.param(lambda: zipped(*((str(n), b"") for n in range(20_001))), Gap.ARCHIVE_LIMITS, id="many members"),
    pytest.param(lambda: deep(4), Gap.ARCHIVE_LIMITS, id="too deep"),
    pytest.param(claims_a_list_of_gigabytes, Gap.ARCHIVE_LIMITS, id="a list of gigabytes"),
    pytest.param(lambda: zipped(("k", TEXT))[:60], Gap.ARCHIVE_BROKEN, id="a zip that is cut off"),
    pytest.param(lambda: gzip.compress(TEXT)[:-9], Gap.ARCHIVE_BROKEN, id="gzip that is cut off"),
    pytest.param(lambda: b"\x1f\x8b\x08" + b"\xff" * 50, Gap.ARCHIVE_BROKEN, id="a magic number alone"),
    pytest.param(lambda: gzip.compress(tarred(("k", TEXT))[:540]), Gap.ARCHIVE_BROKEN, id="a tar that is cut off"),
    pytest.param(lambda: header_of_a_tar(b"77777777777\0"), Gap.ARCHIVE_BROKEN, id="a tar member of 8 GB"),
    pytest.param(lambda: header_of_a_tar(b"\xff" * 12), Gap.ARCHIVE_BROKEN, id="a tar member of no size"),
    pytest.param(lambda: zipped(("k", TEXT), method=zipfile.ZIP_LZMA), Gap.UNREADABLE, id="a method without limits"),
]


@pytest.mark.parametrize(("make", "gap"), HOSTILE)
def test_a_hostile_archive_is_a_gap(make: Callable[[], bytes], gap: Gap) -> None:
    """The scan goes on and says so."""
    assert {reason for _, reason in gaps(make())} == {gap}


def test_one_member_that_is_listed_many_times_is_a_gap() -> None:
    """Newer interpreters see that members overlap; for older ones it is a bomb."""
    found = {reason for _, reason in gaps(many_times(200))}
    assert found
    assert found <= {Gap.ARCHIVE_BOMB, Gap.ARCHIVE_BROKEN}


@pytest.mark.parametrize("make", [wrong_checksum, lambda: gzip.compress(TEXT + bytes(5000))[:-9]])
def test_what_comes_out_before_the_damage_is_read(make: Callable[[], bytes]) -> None:
    """A log that is still written, or a download that broke off."""
    assert len(scanned(make()).findings) == 1


def test_a_bomb_costs_little_memory() -> None:
    """What comes out is looked at in pieces."""
    import tracemalloc

    bomb = gzip.compress(bytes(200 << 20))
    scanned(bomb)
    tracemalloc.start()
    scanned(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 << 20


def test_a_member_that_is_too_large_to_be_written_down_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database in an archive has to be; the members behind it are read."""
    monkeypatch.setattr("keysweep.scanner.readers.archive._SPOOLED", 1 << 20)
    data = zipped(("x.db", b"SQLite format 3\0" + bytes(2 << 20)), ("k.txt", TEXT))
    assert gaps(data) == [("a.bin!x.db", Gap.TOO_LARGE)]
    assert places(data) == [("k.txt", 3, 7)]


def test_every_byte_of_a_member_is_counted() -> None:
    """And the archive too: both were read."""
    coverage = scanned(zipped(("k.txt", TEXT))).coverage
    assert (coverage.files, coverage.complete) == (2, True)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_damaged_archive_never_ends_a_scan(data: st.DataObject) -> None:
    """Any few bytes of any kind of archive may be changed: it is read, or it is a gap, and no reader fails."""
    whole = bytearray(data.draw(st.sampled_from([parameter.values[0] for parameter in GOOD])))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    assert Gap.READER_FAILED not in {reason for _, reason in gaps(bytes(whole))}


@given(data=st.binary(max_size=2000))
def test_any_bytes_are_no_tar_or_broken(data: bytes) -> None:
    """Also behind a good first member."""
    stream = io.BytesIO(tarred(("k", b"x" * 600))[:1536] + data)
    try:
        names = [name for name, member in tar_members(stream) if member.read() is not None]
    except TarBrokenError:
        return
    assert names[0] == "k"


def test_a_checksum_of_zlib_is_not_needed_to_tell_the_kind() -> None:
    """What only begins like a compressed file is read as text by its own reader, or is a gap."""
    assert gaps(zlib.compress(TEXT)) == []
