"""Every rule pack keeps its promises."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from keysweep.rules.checks import CHECKS
from keysweep.rules.file import read_rules
from keysweep.rules.model import AMBIGUOUS, Rule
from keysweep.rules.ruleset import PACKS
from keysweep.rules.samples import expand
from keysweep.scanner.matching.lint import lint
from tests.scanner.making import example, found, ruleset, segment
from tests.scanner.making import rulebook as book

RULES = [pytest.param(rule, id=rule.id) for rule in ruleset().rules]
PACK_FILES = [pytest.param(path, id=path.stem) for path in sorted(PACKS.glob("*.toml"))]
SEEDS = range(12)


@pytest.mark.parametrize("path", PACK_FILES)
def test_a_pack_is_readable_and_named_after_its_vendor(path: Path) -> None:
    """The file name is the vendor: a stranger finds the file from the key."""
    rules = read_rules(path)
    assert rules
    assert {rule.provider for rule in rules} <= {path.stem, AMBIGUOUS}


def test_ids_are_unique_over_all_packs() -> None:
    """An id means one rule for ever."""
    ids = [rule.id for path in PACKS.glob("*.toml") for rule in read_rules(path)]
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_what_it_is(rule: Rule) -> None:
    """Title, what the key can do, where the format is documented, an example and a negative."""
    assert rule.title
    assert rule.grants.endswith(".")
    assert rule.references
    assert all(reference.startswith("https://") for reference in rule.references)
    assert rule.examples
    assert rule.negatives
    assert set(rule.checks) <= set(CHECKS)


@pytest.mark.parametrize("rule", RULES)
def test_an_example_is_found_exactly_and_by_no_other_vendor(rule: Rule) -> None:
    """Each template, many times: one match, this rule, the exact value, no second opinion about whose it is."""
    for template in range(len(rule.examples)):
        for seed in SEEDS:
            made = example(rule, seed=seed, template=template)
            assert [(rule.id, made.key)] == found(made.text), f"template {template}, seed {seed}"


@pytest.mark.parametrize("rule", RULES)
def test_a_negative_is_not_found(rule: Rule) -> None:
    """Fillers, cut keys and variables are no keys."""
    for template in rule.negatives:
        for seed in SEEDS:
            text = expand(template, random.Random(seed)).encode()
            assert rule.id not in {name for name, _ in found(text)}, template


@pytest.mark.parametrize("rule", RULES)
def test_the_public_prefix_is_no_secret(rule: Rule) -> None:
    """What may be shown is short, and is the beginning of keys or a name of the vendor's."""
    made = example(rule)
    shown = {m.prefix for m in book().find(segment(made.text))}
    assert shown == {rule.prefix}
    assert len(rule.prefix) <= len(made.key) // 2 or rule.prefix.endswith("/")


def test_rules_check_agrees() -> None:
    """What `keysweep rules check` verifies holds for the packs that we ship."""
    assert lint(ruleset()) == ()
