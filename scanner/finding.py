"""The values a scan is made of: from `Blob` (bytes) over `Segment` (text) and `Match` (plaintext) to `Finding` (safe)."""

from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from keysweep.foundation.fingerprint import Fingerprint, Preview
from keysweep.foundation.secret import Secret
from keysweep.rules.model import Confidence, RuleId, Severity
from keysweep.scanner.known import CredentialMatch
from keysweep.scanner.live import Live


class FileOrigin(NamedTuple):
    """A file, or a member of one."""

    path: str
    """As the user would name it: relative to the target where possible."""
    member: str | None = None
    """Inside an archive, notebook or transcript."""


class CommitOrigin(NamedTuple):
    """A blob of a repository's history."""

    path: str
    """Path at the first commit that has the blob; the object id where no commit has it."""
    blob: str
    """Object id."""
    commit: str | None
    """First commit that introduced the blob; None for an unreachable object."""
    author: str | None = None
    date: str | None = None
    """RFC 3339."""
    member: str | None = None


class StreamOrigin(NamedTuple):
    """Standard input."""

    name: str = "<stdin>"


Origin = FileOrigin | CommitOrigin | StreamOrigin
"""Where bytes come from."""


def name_of(origin: Origin) -> str:
    """Return the path of an origin, as coverage names it: `archive!member` for what lies in an archive."""
    match origin:
        case FileOrigin(path=path, member=member) | CommitOrigin(path=path, member=member):
            return path if member is None else f"{path}!{member}"
        case StreamOrigin(name=name):
            return name


class Blob(NamedTuple):
    """Bytes to look at, not yet read."""

    origin: Origin
    size: int | None
    """In bytes, where known before reading."""
    open: Callable[[], BinaryIO]
    """Opens the bytes for one reading; raises OSError.  The caller closes."""
    begun: bytes = b""
    """What was read of them already: `open` goes on behind it."""


class Box(NamedTuple):
    """A rectangle of an image, in pixels from the top left."""

    left: int
    top: int
    width: int
    height: int


class Placed(NamedTuple):
    """A run of a segment's text with the place in the image that it was read from."""

    start: int
    end: int
    """Byte offsets into `Segment.data`."""
    box: Box


class Cell(NamedTuple):
    """Where in a database a run of a segment's text stands."""

    start: int
    """Byte offset into `Segment.data`; the run goes up to the next cell."""
    table: str
    rowid: int | None
    """None for a table that has none."""
    column: str


class Segment(NamedTuple):
    """Text as bytes, with the way back to where it stands."""

    origin: Origin
    data: bytes
    start: int = 0
    """Offset of `data` in the blob or member as stored."""
    line: int = 1
    """Number of the line in which `data` begins."""
    column: int = 1
    """Column, counted in bytes, at which `data` begins."""
    repeated: int = 0
    """Bytes at the beginning that are the end of the segment before: a key on the seam is whole in one of the two."""
    goes_on: bool = False
    """There is a next segment, which repeats the end of this one."""
    via: tuple[str, ...] = ()
    """How it was decoded, outermost first: `ocr`, `base64`.  Offsets of decoded text all mean the encoded run."""
    encoded_length: int | None = None
    """Length of the encoded run; None where `data` is the stored bytes themselves."""
    layout: tuple[Placed, ...] = ()
    """For text that was read from an image, in order of `start`."""
    cells: tuple[Cell, ...] = ()
    """For text from the rows of a database, in order of `start`."""
    read_as: str = ""
    """These bytes were read in that encoding too; what is found through it here was found there."""


class Match(NamedTuple):
    """A key in a segment, with its plaintext.  Lives in memory only and never crosses a process."""

    rule: RuleId
    provider: str
    severity: Severity
    confidence: Confidence
    prefix: str
    start: int
    end: int
    """Byte offsets into `Segment.data`."""
    secret: Secret
    parts: tuple[Secret, ...] = ()
    """Components that may be stored alone, such as the password of a URI."""
    via: tuple[str, ...] = ()
    """How it was decoded from the segment, outermost first; `start` and `end` then cover its encoded form."""
    facts: tuple[tuple[str, str], ...] = ()
    """What the key says of itself, name and value: an account, an issuer, an expiry.  Public, in order of the names."""


class Region(NamedTuple):
    """A stretch of a file as editors count it: lines, and columns in units of UTF-16, both from 1."""

    line: int
    column: int
    end_line: int
    end_column: int
    """Behind the last character."""


class Occurrence(NamedTuple):
    """One place where a finding stands.  The fields are those of the JSON of a scan."""

    path: str
    line: int | None = None
    column: int | None = None
    start: int | None = None
    end: int | None = None
    """Byte offsets in the file or member as stored."""
    via: tuple[str, ...] = ()
    member: str | None = None
    pointer: str | None = None
    commit: str | None = None
    author: str | None = None
    date: str | None = None
    table: str | None = None
    rowid: int | None = None
    box: tuple[int, int, int, int] | None = None
    """left, top, width, height in pixels."""
    region: Region | None = None
    """None where the stored bytes are no text."""


class Finding(NamedTuple):
    """One leaked key, however often it occurs.  Safe to log: it holds no plaintext."""

    id: str
    """Stable across runs and moves of lines."""
    rule: RuleId
    provider: str
    severity: Severity
    confidence: Confidence
    fingerprint: Fingerprint
    preview: Preview
    credential: CredentialMatch | None
    """None for a stranger."""
    occurrences: tuple[Occurrence, ...] = ()
    """In order."""
    live: Live | None = None
    """What the provider says of the key; None where nobody asked."""
    facts: tuple[tuple[str, str], ...] = ()
    """What the key says of itself, name and value: an account, an issuer, an expiry.  Public, in order of the names."""
