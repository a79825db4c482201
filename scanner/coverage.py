"""What a scan read, and what it did not and why.  "Nothing read" is not "clean"."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import final


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
    CORRUPT = "corrupt"
    OUTSIDE = "outside-of-target"
    NOT_A_REPOSITORY = "not-a-repository"
    TIMEOUT = "timeout"
    READER_FAILED = "reader-failed"
    DETECTOR_FAILED = "detector-failed"
    WORKER_FAILED = "worker-failed"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Skip:
    """One thing that was not read."""

    path: str
    reason: Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The sum of a scan."""

    files: int
    bytes: int
    skipped: tuple[Skip, ...]
    """In order of path."""

    @property
    def complete(self) -> bool:
        """Something was read and nothing was left out."""
        return self.files > 0 and not self.skipped


@final
@dataclass(slots=True)
class CoverageLog:
    """Collects coverage while a scan runs; every seam gets it to report what it leaves out."""

    files: int = 0
    bytes: int = 0
    _skipped: set[Skip] = field(default_factory=set)

    def read(self, size: int) -> None:
        """Count one blob of *size* bytes as read."""
        self.files += 1
        self.bytes += size

    def skip(self, path: str, reason: Gap) -> None:
        """Record that *path* was not read, or not to its end."""
        self._skipped.add(Skip(path=path, reason=reason))

    def add(self, other: CoverageLog) -> None:
        """Count what another log collected, too."""
        self.files += other.files
        self.bytes += other.bytes
        self._skipped |= other._skipped

    def close(self) -> Coverage:
        """Return what was collected."""
        return Coverage(files=self.files, bytes=self.bytes, skipped=tuple(sorted(self._skipped)))
