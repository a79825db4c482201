"""Rule files: what the format refuses, and what it says about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from keysweep.foundation.errors import ExitCode, UsageError
from keysweep.rules.file import BadRuleFileError, read_rules
from keysweep.rules.model import Severity
from keysweep.rules.ruleset import load_ruleset

GOOD = """
provider = "acme"

[[rule]]
id = "acme-key"
title = "Acme key"
severity = "high"
pattern = '''acme_[a-z0-9]{32}'''
alphabet = 'a-z0-9_'
keywords = ["acme_"]
prefix = "acme_"
grants = "Order anvils."
references = ["https://acme.example/docs"]
examples = ['''acme_{a-z0-9:32}''']
negatives = ['''acme_{a-z0-9:12}''']
"""


def pack(folder: Path, text: str, name: str = "acme") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_a_good_pack_is_read(tmp_path: Path) -> None:
    """Every field arrives; the provider comes from the pack."""
    (rule,) = read_rules(pack(tmp_path, GOOD))
    assert (rule.id, rule.provider, rule.severity) == ("acme-key", "acme", Severity.HIGH)
    assert rule.checks == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(("title = ", "titel = "), "title is missing", id="a required field is missing"),
        pytest.param(("prefix = ", "prefx = "), "unknown field 'prefx'", id="a field is misspelt"),
        pytest.param(('severity = "high"', 'severity = "urgent"'), "urgent", id="no such severity"),
        pytest.param(
            ('keywords = ["acme_"]', 'keywords = "acme_"'), "keywords is a list", id="text where a list belongs"
        ),
        pytest.param(('keywords = ["acme_"]', "keywords = [1]"), "keywords is a list", id="a number in a list of text"),
        pytest.param(('title = "Acme key"', "title = 3"), "title is text", id="a number where text belongs"),
        pytest.param(('provider = "acme"', ""), "has a provider", id="no provider"),
        pytest.param(("[[rule]]", "[rule]"), "has a provider", id="a table where a list of tables belongs"),
        pytest.param(('title = "', "title = "), "cannot be read", id="broken TOML"),
    ],
)
def test_a_bad_pack_names_the_file_and_what_is_wrong(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    """Nothing is guessed and nothing is dropped; it is a usage error."""
    with pytest.raises(BadRuleFileError, match=said) as caught:
        read_rules(pack(tmp_path, GOOD.replace(*change)))
    assert caught.value.message.startswith("acme.toml:")
    assert caught.value.exit_code is ExitCode.USAGE


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """Also a file that is not UTF-8, and one that is not there."""
    path = tmp_path / "acme.toml"
    path.write_bytes(b"\xff\xfe\x00")
    for wrong in (path, tmp_path / "none.toml"):
        with pytest.raises(BadRuleFileError, match="cannot be read"):
            read_rules(wrong)


def test_one_id_in_two_packs_is_refused(tmp_path: Path) -> None:
    """An id means one rule."""
    pack(tmp_path, GOOD, "acme")
    pack(tmp_path, GOOD, "other")
    with pytest.raises(BadRuleFileError, match="acme-key is defined twice"):
        load_ruleset(tmp_path)


def test_rules_are_selected_by_id_or_provider() -> None:
    """Nothing named means all; a name that is neither is a usage error with the next command."""
    rules = load_ruleset()
    assert rules.select([]) is rules
    assert [rule.id for rule in rules.select(["anthropic-api-key"]).rules] == ["anthropic-api-key"]
    assert {rule.provider for rule in rules.select(["openai"]).rules} == {"openai"}
    with pytest.raises(UsageError, match="nonesuch") as caught:
        rules.select(["nonesuch"])
    assert caught.value.hint == "keysweep rules list"


def test_the_digest_tells_rule_sets_apart(tmp_path: Path) -> None:
    """Evidence names the rules that were used: one changed character is another set, the same files are the same."""
    pack(tmp_path, GOOD)
    first = load_ruleset(tmp_path).digest
    assert load_ruleset(tmp_path).digest == first
    pack(tmp_path, GOOD.replace("{32}'''\nalpha", "{33}'''\nalpha"))
    assert load_ruleset(tmp_path).digest != first
    assert first.startswith("sha256:")
