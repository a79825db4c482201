"""A report as a tree of values, independent of any format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Mark(StrEnum):
    """A result: shown by shape, word and colour together."""

    OK = "ok"
    DEVIATION = "deviation"
    NOT_APPLICABLE = "not-applicable"
    NOT_EVALUATED = "not-evaluated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a table."""

    text: str
    sub: str = ""
    """A second, quieter line."""
    mark: Mark | None = None
    code: bool = False
    """An identifier: monospaced."""
    number: bool = False
    """Set to the right."""
    quiet: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Head and width of a column."""

    title: str
    share: int
    """Of the table's width, in percent."""
    number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a head."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] = ()
    """A last row under a rule."""
    source: str = ""
    """What the figures are, and where the whole is: set small below."""
    empty: str = "None."
    """What is said where there are no rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Names and values."""

    title: str
    rows: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigure:
    """One large number."""

    value: str
    unit: str
    label: str
    note: str
    tone: Mark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Large numbers on one strip."""

    figures: tuple[KeyFigure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture with the same numbers in words."""

    title: str
    svg: str
    """Made by `charts`, which escapes every text in it."""
    source: str = ""
    half: bool = False
    """Takes half of the width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A boxed remark."""

    title: str
    text: str
    lines: int = 0
    """Ruled lines below it, to write on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Numbered sentences, each with its beginning in bold."""

    title: str
    points: tuple[tuple[str, str], ...]
    empty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """What to type."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """Places for signatures: the tool signs for nobody."""

    title: str
    roles: tuple[tuple[str, str], ...]
    """What is signed as, and the name where one is stated."""


Block = Table | Facts | Figures | Chart | Note | Points | Commands | SignOff


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One numbered chapter; begins a page."""

    title: str
    about: str
    """What is in it, for the contents."""
    lead: str
    """One sentence that answers the chapter's question, computed from the same figures as its tables."""
    blocks: tuple[Block, ...]
    wide: bool = False
    """On landscape pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file inside the PDF."""

    name: str
    description: str
    content: bytes
    rows: int | None = None
    """Data rows of a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One report."""

    id: str
    """Derived from the evidence."""
    kind: str
    title: str
    subtitle: str
    organisation: str
    cover: tuple[tuple[str, Cell], ...]
    disclaimer: str
    legend: Table
    """How to read the marks; stands under the contents."""
    sections: tuple[Section, ...]
    attachments: tuple[Attachment, ...]
    as_of: datetime
