"""A plain scan starts without click: what is read without it is what click reads, and all else is left to click."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.commands._invocation import Invocation
from keysweep.commands._scan_lean import read
from keysweep.commands._scan_options import FLAGS, ScanOptions, Takes
from keysweep.commands._tree import TREE
from keysweep.commands.scan import COMMAND

NAMES = [name for flag in FLAGS for name in flag.names] + [
    f"--no-{flag.names[0][2:]}" for flag in FLAGS if flag.takes is Takes.NOTHING_OR_ITS_OPPOSITE
]
VALUES = [
    "fast",
    "deep",
    "high",
    "mapped",
    "json",
    "json=out.json",
    "*.lock",
    "1",
    "8",
    "65",
    "0",
    "-1",
    "",
    "a b",
    "-",
    "--",
    "x=y",
]
WORDS = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(VALUES),
    st.builds("{}={}".format, st.sampled_from(NAMES), st.sampled_from(VALUES)),
    st.builds("{}{}".format, st.sampled_from(["-o", "--pro", "-h", "-q", "--store"]), st.sampled_from(VALUES)),
    st.text(max_size=6),
)  # fmt: skip
ROOT = click.Context(TREE, help_option_names=["-h", "--help"])


def as_click_reads(arguments: list[str]) -> ScanOptions | None:
    """What click makes of the arguments; None where it reports an error or does something else, such as printing help."""
    try:
        context = COMMAND.make_context("scan", list(arguments), parent=ROOT, obj=Invocation())
    except (click.ClickException, click.exceptions.Exit):
        return None
    return ScanOptions(**context.params)


@given(st.lists(WORDS, max_size=6))
def test_what_is_read_without_click_is_what_click_reads(arguments: list[str]) -> None:
    """Whatever stands on the command line: the same options, or the question is left to click."""
    assert (lean := read(["scan", *arguments], {})) is None or lean == as_click_reads(arguments)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param((), ScanOptions(), id="nothing"),
        pytest.param((".", "-"), ScanOptions(targets=(".", "-")), id="targets"),
        pytest.param(("--staged", "--no-ocr", "--strict"), ScanOptions(staged=True, ocr=False, strict=True), id="flags"),
        pytest.param(
            ("a", "-o", "json", "--output=sarif=x.sarif", "b"),
            ScanOptions(targets=("a", "b"), outputs=("json", "sarif=x.sarif")),
            id="an option that is given twice, among targets",
        ),
        pytest.param(("--jobs", "4", "--max-size=10"), ScanOptions(jobs=4, max_size=10), id="numbers"),
        pytest.param(("--baseline", "b.toml"), ScanOptions(baseline=Path("b.toml")), id="a path"),
        pytest.param(("--profile", "fast", "--profile", "deep"), ScanOptions(profile="deep"), id="the last one holds"),
    ],
)  # fmt: skip
def test_a_plain_scan_is_read_without_click(arguments: tuple[str, ...], expected: ScanOptions) -> None:
    """What hooks and pipelines type."""
    assert read(["scan", *arguments], {"CI": "true", "KEYSWEEP_STORE": "x"}) == expected
    assert as_click_reads(list(arguments)) == expected


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        pytest.param(("scan", "--help"), {}, id="help"),
        pytest.param(("scan", "--profile", "slow"), {}, id="a value that is none"),
        pytest.param(("scan", "--jobs", "65"), {}, id="a number that is too large"),
        pytest.param(("scan", "--jobs", "²"), {}, id="a digit of another kind"),
        pytest.param(("scan", "--rule"), {}, id="a value that is missing"),
        pytest.param(("scan", "--stage"), {}, id="an option that is none"),
        pytest.param(("scan", "--store", "x"), {}, id="an option of all commands"),
        pytest.param(("-q", "scan"), {}, id="an option before the command"),
        pytest.param(("rules", "list"), {}, id="another command"),
        pytest.param((), {}, id="no command"),
        pytest.param(("scan",), {"KEYSWEEP_SCAN_PROFILE": "deep"}, id="a value from the environment"),
        pytest.param(("scan",), {"_KEYSWEEP_COMPLETE": "bash_source"}, id="completion"),
    ],
)
def test_all_else_is_left_to_click(arguments: tuple[str, ...], environ: dict[str, str]) -> None:
    """Help, errors, completion, shared options, values from the environment."""
    assert read(list(arguments), environ) is None
