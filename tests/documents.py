"""Read the project's Markdown: code blocks, code spans, links, tables, headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = tuple(
    sorted(
        [
            *ROOT.glob("*.md"),
            *(ROOT / "docs").rglob("*.md"),
            *(ROOT / "samples").rglob("*.md"),
            *(ROOT / "benchmarks").rglob("*.md"),
            *(ROOT / "changelog.d").glob("*.md"),
        ]
    )
)
ROOMS = ("keysweep", "rules", "scanner", "rotation", "reports", "samples", "scripts")
"""Folders with code; the first five are the product."""
_FENCE = re.compile(r"(?ms)^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$")
_COMMENT = re.compile(r"(?s)<!--\s*(.*?)\s*-->")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    document: Path
    info: str
    """What stands behind the fence: `console`, `console run`, `toml`."""
    text: str
    before: str
    """The comment that stands right before the block, if any."""
    line: int

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Typed:
    """One command of a console block, with what the document says it prints."""

    command: str
    output: tuple[str, ...]
    ends_with: int
    """From a comment `# ends with N`; 0 without one."""


def name(document: Path) -> str:
    """Return a document's path below the root, for the id of a test."""
    return document.relative_to(ROOT).as_posix()


def blocks(document: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a document, in order."""
    text = document.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        comments = list(_COMMENT.finditer(text, 0, found.start()))
        near = comments and not text[comments[-1].end() : found.start()].strip()
        yield Block(
            document=document,
            info=found["info"].strip(),
            text=found["text"],
            before=comments[-1][1] if near else "",
            line=text.count("\n", 0, found.start()) + 1,
        )


def typed(block: Block) -> Iterator[Typed]:
    """Yield the commands of a console block: lines that begin with `$ `, each with the lines below it."""
    lines = block.text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        command, _, comment = lines[start][2:].partition("  #")
        ends = re.search(r"ends with (\d+)", comment)
        output = tuple(line.rstrip() for line in lines[start + 1 : end])
        yield Typed(command=command.strip(), output=output, ends_with=int(ends[1]) if ends else 0)


def prose(document: Path) -> str:
    """Return a document without its fenced blocks and comments."""
    return _COMMENT.sub("", _FENCE.sub("", document.read_text(encoding="utf-8")))


def spans(document: Path) -> list[str]:
    """Return the code spans of a document's prose."""
    return [" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)", prose(document))]


def links(document: Path) -> list[str]:
    """Return where the links of a document's prose lead."""
    bare = re.sub(r"`[^`\n]+`", "", prose(document))
    return re.findall(r"\]\(([^)\s]+)\)", bare)


def anchors(document: Path) -> set[str]:
    """Return the anchors that the headings of a document make."""
    found = re.findall(r"(?m)^#{1,6} (.+)$", prose(document))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def rows(document: Path, heading: str | None = None) -> list[list[str]]:
    """Return the cells of every table row of a document, or of one of its chapters; heads and rules left out."""
    text = prose(document)
    if heading is not None:
        text = re.split(r"(?m)^#{1,6} ", text.split(f" {heading}\n", 1)[1])[0]
    lines = text.splitlines()
    found = []
    for number, line in enumerate(lines):
        is_head = number + 1 < len(lines) and re.fullmatch(r"\|[-|: ]+\|", lines[number + 1])
        if line.startswith("|") and not is_head and not re.fullmatch(r"\|[-|: ]+\|", line):
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found
