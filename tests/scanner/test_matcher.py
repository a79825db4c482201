"""The matcher's cache: private, checked when it is read, and safe to delete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from keysweep.rules.ruleset import RuleSet
from keysweep.scanner.detectors.rulebook import Rulebook
from tests.scanner.making import key, ruleset, segment

RULES = RuleSet((ruleset().by_id["github-pat"], ruleset().by_id["npm-access-token"]))


def finds(cache: Path | None) -> bool:
    book = Rulebook(RULES, cache_dir=cache)
    return [match.rule for match in book.find(segment(key("github-pat").encode()))] == ["github-pat"]


def cached(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_the_cache_is_private(tmp_path: Path) -> None:
    """Folder and file can be written by their owner only."""
    assert finds(tmp_path / "c")
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o700
    assert cached(tmp_path / "c").stat().st_mode & 0o777 == 0o600


def test_a_second_run_uses_it_and_gives_the_same(tmp_path: Path) -> None:
    """And does not write it again."""
    assert finds(tmp_path / "c")
    before = cached(tmp_path / "c").stat().st_mtime_ns
    assert finds(tmp_path / "c")
    assert cached(tmp_path / "c").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-7]), id="cut off"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:40] + b"evil" * 99), id="other content"),
        pytest.param(lambda path: path.chmod(0o666), id="anybody may write it"),
        pytest.param(lambda path: path.parent.chmod(0o777), id="anybody may write its folder"),
        pytest.param(lambda path: path.rename(path.parent.parent / "x") and path.symlink_to("../x"), id="a link"),
        pytest.param(lambda path: path.unlink(), id="deleted"),
    ],
)
def test_any_doubt_means_compiling_anew(spoil: Callable[[Path], object], tmp_path: Path) -> None:
    """A damaged or foreign cache is never used, and never ends a scan."""
    assert finds(tmp_path / "c")
    spoil(cached(tmp_path / "c"))
    assert finds(tmp_path / "c")


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    """A file stands where its folder would be."""
    (tmp_path / "c").write_text("in the way")
    assert finds(tmp_path / "c" / "engine")
    assert finds(None)


def test_other_rules_have_another_cache(tmp_path: Path) -> None:
    """A new rule is never looked for with the old engine."""
    assert finds(tmp_path / "c")
    Rulebook(ruleset(), cache_dir=tmp_path / "c")
    assert len(list((tmp_path / "c").iterdir())) == 2


def test_gates_that_nobody_asks_are_left_out(tmp_path: Path) -> None:
    """They cost time in every text; what is left has a cache of its own, and finds the same keys."""
    masked = b"key: abcd****wxyz"
    whole = Rulebook(RULES, cache_dir=tmp_path / "c")
    lean = Rulebook(RULES, cache_dir=tmp_path / "c", without=frozenset({"masked"}))
    assert whole.gated(masked, "masked")
    assert not lean.gated(masked, "masked")
    assert len(list((tmp_path / "c").iterdir())) == 2
    data = segment(key("github-pat").encode())
    assert [m.rule for m in lean.find(data)] == [m.rule for m in whole.find(data)] == ["github-pat"]
