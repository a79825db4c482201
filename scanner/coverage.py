"""What a scan read, and what it did not and why.  "Nothing read" is not "clean"."""

from enum import StrEnum
from typing import NamedTuple, final


class Gap(StrEnum):
    """Why something was not read, or not to its end."""

    UNREADABLE = "unreadable"
    NOT_A_FILE = "not-a-regular-file"
    VANISHED = "vanished"
    TOO_LARGE = "too-large"
    TRUNCATED = "truncated"
    IMAGE_LIMITS = "image-limits"
    IMAGE_BROKEN = "image-broken"
    NO_OCR = "no-ocr-engine"
    OCR_TIMEOUT = "ocr-timeout"
    OCR_FAILED = "ocr-failed"
    ARCHIVE_BOMB = "truncated:bomb"
    ARCHIVE_LIMITS = "archive-limits"
    ARCHIVE_BROKEN = "archive-broken"
    ENCRYPTED = "encrypted"
    DATABASE_BROKEN = "database-broken"
    CORRUPT = "corrupt"
    OUTSIDE = "outside-of-target"
    NOT_A_REPOSITORY = "not-a-repository"
    TIMEOUT = "timeout"
    READER_FAILED = "reader-failed"
    DETECTOR_FAILED = "detector-failed"
    WORKER_FAILED = "worker-failed"


class Skip(NamedTuple):
    """One thing that was not read."""

    path: str
    reason: Gap


class Coverage(NamedTuple):
    """The sum of a scan."""

    files: int
    bytes: int
    skipped: tuple[Skip, ...]
    """In order of path."""
    contentless: int = 0
    """What was asked for and holds nothing to read: staged deletions and pointers to submodules."""

    @property
    def nothing(self) -> bool:
        """There was nothing to scan.  A commit of deletions alone is something: each was seen."""
        return self.files == 0 and self.contentless == 0

    @property
    def complete(self) -> bool:
        """There was something to scan and none of it was left out."""
        return not self.nothing and not self.skipped


@final
class CoverageLog:
    """Collects coverage while a scan runs; every seam gets it to report what it leaves out."""

    __slots__ = ("_skipped", "bytes", "contentless", "files")

    def __init__(self) -> None:
        self.files = 0
        self.bytes = 0
        self.contentless = 0
        self._skipped: set[Skip] = set()

    def read(self, size: int) -> None:
        """Count one blob of *size* bytes as read."""
        self.files += 1
        self.bytes += size

    def without_content(self) -> None:
        """Count one thing that was asked for and holds nothing to read."""
        self.contentless += 1

    def skip(self, path: str, reason: Gap) -> None:
        """Record that *path* was not read, or not to its end."""
        self._skipped.add(Skip(path=path, reason=reason))

    def add(self, other: "CoverageLog") -> None:
        """Count what another log collected, too."""
        self.files += other.files
        self.bytes += other.bytes
        self.contentless += other.contentless
        self._skipped |= other._skipped  # noqa: SLF001  another of this class

    def close(self) -> Coverage:
        """Return what was collected."""
        return Coverage(
            files=self.files,
            bytes=self.bytes,
            skipped=tuple(sorted(self._skipped)),
            contentless=self.contentless,
        )
