"""The options of `scan`, said once: click makes its parameters of this table, and so does the start without click."""

from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple


class ScanOptions(NamedTuple):
    """What one scan was asked for."""

    targets: tuple[str, ...] = ()
    staged: bool = False
    revisions: str | None = None
    profile: str = "ci"
    ocr: bool | None = None
    no_map: bool = False
    baseline: Path | None = None
    write_baseline: Path | None = None
    fail_on: str = "any"
    outputs: tuple[str, ...] = ()
    strict: bool | None = None
    exclude: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    max_size: int | None = None
    jobs: int = 1
    verify: bool = False
    exit_zero: bool = False


class Takes(Enum):
    """What stands behind an option."""

    NOTHING = auto()
    NOTHING_OR_ITS_OPPOSITE = auto()
    """It has a second form, `--no-...`, and a third state: not given."""
    TEXT = auto()
    TEXTS = auto()
    """Text, and the option may be given again."""
    PATH = auto()
    NUMBER = auto()
    CHOICE = auto()


class Flag(NamedTuple):
    """One option."""

    field: str
    """Of `ScanOptions`."""
    names: tuple[str, ...]
    takes: Takes
    help: str = ""
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    at_least: int = 1
    at_most: int | None = None
    show_default: bool = False


FLAGS = (
    Flag("staged", ("--staged",), Takes.NOTHING, "What is staged for the next commit."),
    Flag("revisions", ("--range",), Takes.TEXT, "What these commits brought.", "A..B"),
    Flag("profile", ("--profile",), Takes.CHOICE, "Named limits.", choices=("fast", "ci", "deep")),
    Flag(
        "ocr",
        ("--ocr",),
        Takes.NOTHING_OR_ITS_OPPOSITE,
        "Read text in images (default: where an engine is installed).",
    ),
    Flag("no_map", ("--no-map",), Takes.NOTHING, "Do not compare with stored credentials."),
    Flag("baseline", ("--baseline",), Takes.PATH, "Accepted findings."),
    Flag("write_baseline", ("--write-baseline",), Takes.PATH, "Accept what is found now."),
    Flag("fail_on", ("--fail-on",), Takes.CHOICE, choices=("none", "any", "high", "mapped"), show_default=True),
    Flag("outputs", ("-o", "--output"), Takes.TEXTS, "text json jsonl sarif; repeatable.", "FORMAT[=FILE]"),
    Flag(
        "strict",
        ("--strict",),
        Takes.NOTHING_OR_ITS_OPPOSITE,
        "What was not read is a failure (default where CI=true).",
    ),
    Flag("exclude", ("--exclude",), Takes.TEXTS, "Leave out files of this name or path.", "GLOB"),
    Flag("rules", ("--rule",), Takes.TEXTS, "Only this rule or provider.", "ID"),
    Flag("max_size", ("--max-size",), Takes.NUMBER, "Leave out larger files, and say so.", "MB"),
    Flag("jobs", ("--jobs",), Takes.NUMBER, "Processes for the files of a folder.", "N", at_most=64),
    Flag("verify", ("--verify",), Takes.NOTHING, "Ask vendors whether keys work; each goes to its own vendor only."),
    Flag("exit_zero", ("--exit-zero",), Takes.NOTHING, "End with 0 whatever is found."),
)
"""In the order of the help text."""
