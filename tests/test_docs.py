"""What the documents say is what the code does."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path

import click
import pytest

from keysweep.commands._tree import TREE
from keysweep.foundation.errors import ExitCode
from keysweep.foundation.settings import AuditSettings, DaemonSettings, ReportSettings, RotationSettings, Settings
from keysweep.rules.ruleset import load_ruleset
from keysweep.scanner.detectors.rulebook import Rulebook
from keysweep.scanner.finding import Segment, StreamOrigin
from scripts import write_docs
from tests.documents import DOCUMENTS, ROOMS, ROOT, anchors, blocks, links, name, prose, rows, spans, typed

EVERY_DOCUMENT = pytest.mark.parametrize("document", DOCUMENTS, ids=name)
# Written in halves, so that this file does not say what it forbids.
_PRAISE = (
    "seam less", "rob ust", "power ful", "blaz ing", "cutting -edge", "world -class", "state-of -the-art", "best-in -class", "enterprise -grade",
    "effort less", "revolution ary", "next -generation", "compre hensive", "lever age", "util ize", "obvious ly", "of cour se",
)  # fmt: skip
_PLACES = ("/wo rk/", "/fa rm", "/opt/py pi", "TO DO", "fix me")


def test_the_generated_pages_are_current() -> None:
    """`make docs` would change nothing: command line, rules, providers, code map."""
    stale = [path for path, text in write_docs.pages().items() if (ROOT / path).read_text(encoding="utf-8") != text]
    assert stale == []


@EVERY_DOCUMENT
def test_every_command_in_a_document_exists(document: Path) -> None:
    """Commands, subcommands and options, in console blocks and in code spans, are those of the click tree."""
    wrong = [f"{text}: {why}" for text in _command_lines(document) if (why := _fault(text))]
    assert wrong == []


def test_every_command_that_an_error_hints_at_exists() -> None:
    """What the program tells people to type next can be typed."""
    wrong = [f"{path}: {text}: {why}" for path, text in _hints() if (why := _fault(text))]
    assert wrong == []


def test_no_two_help_texts_are_missing() -> None:
    """The reference has a chapter for each command and each subcommand."""
    headings = set(re.findall(r"(?m)^#{2,3} (keysweep.*)$", (ROOT / "docs/cli.md").read_text(encoding="utf-8")))
    assert {context.command_path for context, _ in write_docs.commands_of(TREE)} == headings


@EVERY_DOCUMENT
def test_help_in_a_document_is_what_help_prints(document: Path) -> None:
    """A console block that shows `--help` shows today's text, at 80 columns."""
    for block in blocks(document):
        for shown in typed(block) if block.info.startswith("console") else ():
            if shown.command.startswith("keysweep") and shown.command.endswith("--help") and shown.output:
                assert _help()[shown.command.removesuffix(" --help")] == "\n".join(shown.output).rstrip(), str(block)


@EVERY_DOCUMENT
def test_every_make_target_in_a_document_exists(document: Path) -> None:
    """`make X` can be typed."""
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    typed_ones = [t.command for block in blocks(document) if block.info.startswith("console") for t in typed(block)]
    named = {m[1] for text in (*typed_ones, *spans(document)) if (m := re.match(r"make ([a-z-]+)", text))}
    assert set() == named - targets


def test_the_exit_codes_are_those_of_the_code() -> None:
    """The page lists every code with its name, and the README every code."""
    page = {(int(row[0]), row[1].strip("`")) for row in rows(ROOT / "docs/exit-codes.md") if row[0].isdigit()}
    assert {(code.value, code.name) for code in ExitCode} == page
    readme = ROOT / "README.md"
    if "Exit codes" in prose(readme):
        assert {code.value for code in ExitCode} == {
            int(row[0]) for row in rows(readme, "Exit codes") if row[0].isdigit()
        }


def test_the_settings_page_is_the_settings() -> None:
    """Every setting stands there with its default, and no other."""
    shown = {row[0].strip("`"): row[2].strip("`") for row in rows(ROOT / "docs/settings.md", "All settings")}
    sections = {
        "rotation": RotationSettings,
        "report": ReportSettings,
        "audit": AuditSettings,
        "daemon": DaemonSettings,
    }
    expected = {
        f"{section}.{field.name}": str(field.default) if field.default != "" else '""'
        for section, kind in sections.items()
        for field in fields(kind)
        if field.default is not MISSING
    }
    plain = {field.name for field in fields(Settings)} - set(sections) - {"config"}
    assert expected == {setting: default for setting, default in shown.items() if "." in setting}
    assert plain == {setting for setting in shown if "." not in setting}


@EVERY_DOCUMENT
def test_links_lead_somewhere(document: Path) -> None:
    """A relative link names a file that is there, and a heading that it has."""
    broken = []
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not link.startswith(("https://", "mailto:")) and (
            not target.exists() or (anchor and anchor not in anchors(target))
        ):
            broken.append(link)
    assert broken == []


@EVERY_DOCUMENT
def test_files_that_a_document_names_exist(document: Path) -> None:
    """A code span that looks like a path of the repository is one."""
    path_like = re.compile(rf"(?:{'|'.join(ROOMS)}|tests|docs|benchmarks)/[a-z0-9_./*-]*")
    named = [span for span in spans(document) if path_like.fullmatch(span)]
    assert [path for path in named if not any(ROOT.glob(path.rstrip("/")))] == []


@EVERY_DOCUMENT
def test_documents_praise_nothing_and_name_no_machine(document: Path) -> None:
    """Plain words; no path of a machine; nothing left to do without an issue."""
    text = document.read_text(encoding="utf-8").lower()
    forbidden = [word.replace(" ", "") for word in (*_PRAISE[:-1], *_PLACES)] + ["of course"]
    assert [word for word in forbidden if re.search(rf"(?<![\w-]){re.escape(word.lower())}", text)] == []


def test_no_document_holds_anything_that_looks_like_a_live_key() -> None:
    """Our own rules find nothing in the documents."""
    book = Rulebook(load_ruleset(), cache_dir=None)
    found = {
        name(document): [match.rule for match in book.find(Segment(origin=StreamOrigin(), data=document.read_bytes()))]
        for document in DOCUMENTS
    }
    assert {document: matches for document, matches in found.items() if matches} == {}


def test_fragments_of_the_changelog_say_what_kind_they_are() -> None:
    """`ISSUE.KIND.md`, with text."""
    fragments = [path for path in (ROOT / "changelog.d").iterdir() if path.name != ".gitkeep"]
    kinds = r"\d+(?:-[a-z-]+)?\.(?:added|changed|fixed|removed|security)\.md"
    assert [path.name for path in fragments if not re.fullmatch(kinds, path.name) or not path.read_text().strip()] == []


@cache
def _help() -> dict[str, str]:
    return {context.command_path: command.get_help(context) for context, command in write_docs.commands_of(TREE)}


@cache
def _tree() -> dict[str, click.Command]:
    return {context.command_path: command for context, command in write_docs.commands_of(TREE)}


def _command_lines(document: Path) -> Iterator[str]:
    """Yield what a document says to type: `keysweep ...`, and spans such as `report --check` and `--no-map`."""
    for block in blocks(document):
        if block.info.startswith("console"):
            yield from (t.command for t in typed(block) if re.match(r"(?:\S+/)?keysweep ", t.command))
    first = {path.split()[1] for path in _tree() if " " in path}
    for span in spans(document):
        if span.startswith("keysweep "):
            yield span
        elif (span.split()[0] in first and " -" in span) or (
            re.match(r"--[a-z]", span) and "adr" not in document.parts
        ):
            yield f"keysweep {span}"


def _hints() -> Iterator[tuple[str, str]]:
    for room in ROOMS[:5]:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.keyword) and node.arg == "hint":
                    parts = node.value.values if isinstance(node.value, ast.JoinedStr) else [node.value]
                    text = "".join(
                        p.value if isinstance(p, ast.Constant) and isinstance(p.value, str) else "X" for p in parts
                    )
                    yield from ((path.name, said) for said in re.findall(r"keysweep [^,;()]*", text))


def _fault(text: str) -> str | None:
    """Return what is wrong with a command line, None if it can be typed."""
    try:
        words = shlex.split(re.sub(r"[<>|].*|…", "", text))[1:]
    except ValueError:
        return "cannot be split"
    at = "keysweep"
    while words and f"{at} {words[0]}" in _tree():
        at += f" {words.pop(0)}"
    command = _tree()[at]
    if at == "keysweep" and words and words[0].startswith("--"):
        anywhere = {opt for one in _tree().values() for opt in _options(one)}
        return None if words[0].split("=")[0] in anywhere else "no command has this option"
    if isinstance(command, click.Group) and words and not words[0].startswith("-"):
        return f"no such command: {words[0]}"
    for word in words:
        if word == "--":
            return None
        if word.startswith("-") and word != "-" and word.split("=")[0] not in _options(command):
            return f"no such option: {word}"
    return None


def _options(command: click.Command) -> set[str]:
    return {"-h", "--help", *(opt for p in command.params for opt in (*p.opts, *p.secondary_opts))}
