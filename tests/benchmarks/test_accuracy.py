"""The benchmark of accuracy: what it plants is there, what it counts is right, and it can be run again."""

from __future__ import annotations

import binascii
import re
from pathlib import Path

import pytest

from benchmarks.accuracy import corpus, table
from benchmarks.accuracy.chance import Chance, crc36, crc62
from benchmarks.accuracy.contexts import Group
from benchmarks.accuracy.corpus import CONTEXTS, DOCUMENTED, Case, kinds_of_rules
from benchmarks.accuracy.kinds import Shape
from benchmarks.accuracy.negatives import NEGATIVES
from benchmarks.accuracy.scoring import Reported, score
from benchmarks.accuracy.tools.keysweep import TOOL
from benchmarks.accuracy.tools.providers import provider_of
from keysweep.rules.encodings import crc32_base36, crc32_base62
from keysweep.rules.ruleset import load_ruleset

KEY = DOCUMENTED["anthropic-api"].generate(Chance(1))


def case(path: str, *, context: str = "JSON", kind: str = "anthropic-api") -> Case:
    found = next(one for one in CONTEXTS if one.name == context)
    return Case(path=path, source="documented", key=DOCUMENTED[kind].generate(Chance(path)), context=found)


def same(*cases: Case) -> dict[str, str]:
    return {value: value for one in cases for value in (*one.key.right, *(v for _, v in one.key.beside))}


def reported(path: str, value: str, provider: str = "anthropic") -> Reported:
    return Reported(path=path, value=value, provider=provider, rule="some-rule")


def test_there_are_enough_contexts_for_every_shape_of_key() -> None:
    """Every kind stands in at least 25, and every name is told from the others."""
    for shape in set(Shape) - {Shape.BLOCK}:
        assert sum(shape in context.shapes for context in CONTEXTS) >= 25, shape
    assert len({context.name for context in CONTEXTS}) == len(CONTEXTS)
    assert {context.group for context in CONTEXTS} == set(Group)


def test_there_are_enough_kinds_of_negatives() -> None:
    """The benchmark promises twelve."""
    assert len(NEGATIVES) >= 12


@pytest.mark.parametrize("name", [c.name for c in CONTEXTS if c.group is not Group.ENCODED])
def test_a_context_that_does_not_encode_holds_the_key_as_it_is(name: str) -> None:
    """Otherwise it would be counted in the wrong group."""
    context = next(one for one in CONTEXTS if one.name == name)
    if Shape.TOKEN not in context.shapes:
        return
    written = context.write(KEY, Chance(2))
    assert KEY.value in (written.decode() if isinstance(written, bytes) else written)


@pytest.mark.parametrize("name", [c.name for c in CONTEXTS if c.group is Group.ENCODED and "slashes" not in c.name])
def test_a_context_that_encodes_does_not_show_every_key(name: str) -> None:
    """Escapes leave letters alone, and a wrapped line may be long enough; some key of some kind is hidden all the same."""
    context = next(one for one in CONTEXTS if one.name == name)
    kinds = [
        DOCUMENTED[kind]
        for kind in ("anthropic-api", "postgresql-uri", "jwt")
        if DOCUMENTED[kind].shape in context.shapes
    ]
    hidden = []
    for kind in kinds:
        key = kind.generate(Chance(3))
        written = context.write(key, Chance(4))
        hidden.append(key.value not in (written.decode("utf-8", "replace") if isinstance(written, bytes) else written))
    assert any(hidden) or name in {"percent, form", "percent, nested URL", "HTML entities of JSON", "percent twice"}


def test_the_pair_of_a_key_stands_beside_it() -> None:
    """A secret half without its public one could be found by nobody."""
    key = DOCUMENTED["aws-secret"].generate(Chance(5))
    for context in CONTEXTS:
        if Shape.NAMED in context.shapes and context.group is Group.PLAIN:
            written = context.write(key, Chance(6))
            assert all(value in str(written) for _, value in key.beside), context.name


def test_checksums_are_those_of_the_vendors() -> None:
    """Two writings of the same documentation agree."""
    for text in ("", "a", "0" * 30, "Zz9"):
        assert crc62(text) == crc32_base62(text)
        assert crc36(text) == crc32_base36(text)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Whoever runs it again reads the same files; another seed gives other keys."""
    written = [
        corpus.write(tmp_path / str(number), seed=seed, negatives=3_400, every=301)
        for number, seed in enumerate((1, 1, 2))
    ]
    first, again, other = ({p.relative_to(w.root): p.read_bytes() for p in w.root.rglob("*.*")} for w in written)
    assert len(first) > 50
    assert first == again
    assert first.keys() == other.keys()
    assert sum(first[path] == other[path] for path in first) < len(first) / 10


def test_negatives_hold_no_key_that_is_right() -> None:
    """A wrong checksum is wrong, and a placeholder of AWS is the documented one."""
    for number in range(200):
        text = NEGATIVES["wrong checksums"](Chance(number))
        for token in re.findall(r"(?:gh[pousr]|npm)_([A-Za-z0-9]{36,76})\b", text):
            assert crc62(token[:-6]) != token[-6:]


def test_rules_take_part_with_their_own_examples() -> None:
    """Those whose example is the key and nothing else; a rule that asks for words is tried by the documented kinds."""
    kinds = {kind.id for kind in kinds_of_rules(load_ruleset().rules)}
    assert {"anthropic-api-key", "github-pat", "postgresql-uri"} <= kinds


def test_only_the_exact_value_counts() -> None:
    """One character more or less is a miss, and a stray beside the key."""
    exact, longer, shorter = case("a"), case("b"), case("c")
    result = score(
        "x",
        [exact, longer, shorter],
        [reported("a", exact.key.value), reported("b", longer.key.value + "A"), reported("c", shorter.key.value[:-1])],
        same(exact, longer, shorter),
        (),
    )
    assert (result.whole.cases, result.whole.found, result.strays) == (3, 1, 2)
    assert [longer, shorter] == result.missed


def test_a_key_counts_in_its_own_file_only() -> None:
    """A tool that reports the right value at the wrong place has not found it."""
    one, two = case("a"), case("b")
    result = score("x", [one, two], [reported("b", one.key.value)], same(one, two), ())
    assert result.whole.found == 0


def test_the_provider_is_counted_among_the_found() -> None:
    """Whoever finds nothing names nothing wrongly; one right report of two is enough."""
    one, two, three = case("a"), case("b"), case("c")
    found = [reported("a", one.key.value, "openai"), reported("b", two.key.value, ""), reported("b", two.key.value)]
    result = score("x", [one, two, three], found, same(one, two, three), ())
    assert (result.whole.found, result.whole.right) == (2, 1)
    assert [(one, "openai")] == result.misnamed


def test_the_password_of_a_uri_is_as_right_as_the_uri() -> None:
    """Tools differ in what they call the secret; neither is counted against them."""
    uri = case("a", kind="postgresql-uri")
    for value in (uri.key.value, uri.key.exact[0]):
        result = score("x", [uri], [reported("a", value, "postgresql")], same(uri), ())
        assert (result.whole.found, result.strays) == (1, 0)


def test_the_public_half_is_no_stray() -> None:
    """It stands there, and some tools report both halves."""
    pair = case("a", kind="aws-secret")
    result = score("x", [pair], [reported("a", pair.key.beside[0][1], "aws")], same(pair), ())
    assert (result.whole.found, result.strays) == (0, 0)


def test_every_report_among_the_negatives_is_a_false_alarm() -> None:
    """However often it is repeated."""
    alarm = reported("00-UUIDs/00000.txt", "x")
    assert len(score("x", [], [], {}, [alarm, alarm]).alarms) == 2


@pytest.mark.parametrize(
    ("rule", "provider"),
    [
        ("betterleaks.anthropic-api-key", "anthropic"),
        ("AWS Access Key", "aws"),
        ("Hex High Entropy String", ""),
        ("kingfisher.openai.3", "openai"),
        ("Private Key", "ambiguous"),
        ("JSON Web Token", "ambiguous"),
    ],
)
def test_names_of_peers_rules_tell_the_provider(rule: str, provider: str) -> None:
    """A vendor's name in it; a rule that names none has none."""
    assert provider == provider_of(rule)


def test_our_own_scanner_finds_a_sample_of_the_corpus(tmp_path: Path) -> None:
    """From the files to the table; the bars themselves are held by the whole run, this is its smallest part."""
    written = corpus.write(tmp_path, seed=9, negatives=3_400, every=211)
    cases = [one for one in written.cases if one.key.kind in {"anthropic-api", "github-pat", "openai-project", "groq"}]
    values = [value for one in written.cases for value in (*one.key.right, *(v for _, v in one.key.beside))]
    result = score("keysweep", cases, TOOL.scan(written.keys), {v: TOOL.print_of(v) for v in values}, ())
    assert result.whole.cases > 0
    assert result.whole.recall > 0.7
    result.negatives = written.negatives
    assert "| keysweep |" in table.markdown([result], seed=9)
    assert '"seed": 9' in table.as_json([result], seed=9)


def test_crc_is_the_one_of_the_standard() -> None:
    """The benchmark's own base 62 is written most significant digit first."""
    assert crc62("123456789") == _base62(binascii.crc32(b"123456789"))


def _base62(number: int) -> str:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return (_base62(number // 62) if number >= 62 else "") + digits[number % 62]
