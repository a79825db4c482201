"""A key is found exactly in whatever way it was written down, and its place covers what stands there."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scanner.known_misses import known_misses
from tests.scanner.making import Example, example, rulebook, ruleset, segment
from tests.scanner.writers import CUTS, ENCODINGS

ONLY_IN_WORDS = {rule.id for rule in ruleset().rules if "(?i" in rule.pattern}
"""Keys without a form of their own: their words have to be found too."""
LONG = {"private-key", "putty-private-key", "google-service-account-key"}
"""Keys of many lines."""
WITH_PREFIX = [r for r in ruleset().rules if r.prefix and not r.pair and r.id not in LONG | ONLY_IN_WORDS]


def values(data: bytes) -> list[tuple[str, bytes]]:
    return [(match.provider, match.secret.reveal()) for match in rulebook().find(segment(data))]


def examples(rule: object) -> list[Example]:
    return [example(rule, seed=seed, template=seed) for seed in range(3)]


SHORTEST_CUT = 40
"""Characters of a text below which no program breaks it."""


@pytest.mark.parametrize("form", [*ENCODINGS, *CUTS])
def test_a_key_is_found_in_every_form(form: str) -> None:
    """Every rule with a public prefix, the exact value; the few that are missed are named, with their reason, in `known_misses`."""
    tried, missed = 0, Counter[str]()
    for rule in WITH_PREFIX:
        for seed, made in enumerate(examples(rule)):
            if form in CUTS and len(made.text) < SHORTEST_CUT:
                continue
            tried += 1
            # NOTE: each example has its own chance, so that another rule in the packs changes nothing here.
            write, chance = {**ENCODINGS, **CUTS}[form], random.Random(f"{form} {rule.id} {seed}")
            if (rule.provider, made.key) not in values(write(made.text.decode(), made.key.decode(), chance)):
                missed[rule.id] += 1
    known = known_misses(form)
    assert tried > 400
    assert missed - known == Counter(), f"missed in {form}, and not known to be"
    assert known - missed == Counter(), f"found in {form} now: take it out of known_misses"


@pytest.mark.parametrize("form", [*ENCODINGS, *CUTS])
def test_a_place_covers_the_encoded_key(form: str) -> None:
    """What is cut out at the place decodes to the key again; nothing outside of the text is pointed at."""
    made = example("anthropic-api-key", seed=5)
    data = b"first line\n" + ENCODINGS.get(form, CUTS.get(form))(
        made.text.decode(), made.key.decode(), random.Random(1)
    )
    (match,) = [m for m in rulebook().find(segment(data)) if m.secret.reveal() == made.key]
    assert 0 < match.start < match.end <= len(data)
    cut_out = data[match.start : match.end]
    again = [m.secret.reveal() for m in rulebook().find(segment(b"\n" + cut_out + b"\n"))]
    assert made.key in again
    assert match.via or cut_out == made.key


@given(data=st.binary(max_size=400), seed=st.integers(0, 1 << 30), form=st.sampled_from(sorted({**ENCODINGS, **CUTS})))
def test_garbage_around_never_breaks_a_decoder(data: bytes, seed: int, form: str) -> None:
    """Any bytes before and behind, cut anywhere: no error, and every place within the text."""
    chance = random.Random(seed)
    made = example(chance.choice(WITH_PREFIX), seed=seed)
    written = {**ENCODINGS, **CUTS}[form](made.text.decode(), made.key.decode(), chance)
    at = chance.randrange(len(written) + 1)
    whole = data + written[:at] + data[::-1] + written[at:]
    for match in rulebook().find(segment(whole)):
        assert 0 <= match.start < match.end <= len(whole)


def test_two_keys_of_one_encoded_text_are_both_found() -> None:
    """They stand in one run, and are two findings."""
    import base64

    first, second = example("anthropic-api-key", seed=1).key, example("github-pat", seed=1).key
    data = base64.b64encode(b"A=" + first + b"\nB=" + second + b"\n")
    assert {first, second} <= {value for _, value in values(data)}


def test_a_key_that_ends_with_its_line_takes_nothing_from_the_next() -> None:
    """Even where the line is as wide as a terminal, and the next one is another setting."""
    made = example("nvidia-api-key", seed=2)
    for width in (80, 120):
        line = b"X" * (width - len(made.key) - 1) + b"=" + made.key
        assert [value for _, value in values(line + b"\nB=2\nCCC=3\n")] == [made.key]


@pytest.mark.parametrize("line_break", ["\n", "\\n", "\r\n"])
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_wrapped_key_ends_before_the_next_setting(columns: int, line_break: str) -> None:
    """The next line begins with letters of the key's own alphabet, and they are not the key's."""
    made = example("anthropic-api-key", seed=columns)
    line = b"ANTHROPIC_API_KEY=" + made.key
    wrapped = line_break.encode().join(line[at : at + columns] for at in range(0, len(line), columns))
    data = b"HOME=/root" + line_break.encode() + wrapped + line_break.encode() + b"TERM=xterm" + line_break.encode()
    assert [value for _, value in values(data)] == [made.key]


ADDED = [
    pytest.param('"%s" + "%s"', id="added in one line"),
    pytest.param('"%s" +\n    "%s"', id="added, operator first"),
    pytest.param('"%s"\n    + "%s"', id="added, operator behind"),
    pytest.param("(\n  '%s'\n  '%s'\n)", id="beside each other"),
    pytest.param("curl -H x:%s\\\n%s https://h", id="two lines of a shell"),
]


@pytest.mark.parametrize("form", ADDED)
def test_a_key_of_no_fixed_length_is_put_together_from_strings(form: str) -> None:
    """Although what stands before the cut would be a key by itself."""
    key = example("anthropic-oauth-token", seed=4).key.decode()
    data = (form % (key[:70], key[70:])).encode()
    assert [value for _, value in values(data)] == [key.encode()]


def test_strings_of_a_list_are_not_put_together() -> None:
    """A comma between them says that they are two."""
    key = example("anthropic-oauth-token", seed=4).key
    for other in (b"k3yOfAnother1", b"next"):
        data = b'["' + key + b'",\n  "' + other + b'"]'
        assert [value for _, value in values(data)] == [key]
    assert [value for _, value in values(b"'" + key + b"'\n'" + key[:12] + b"X" * 60 + b"'")] == [key]


@pytest.mark.parametrize("form", ["two records of a container's log", "two lines of a node's log"])
@pytest.mark.parametrize("at", range(1, 24, 2))
def test_a_record_may_be_split_anywhere_in_a_key(form: str, at: int) -> None:
    """Through the prefix that tells whose it is, too; the lines before and behind are not taken in."""
    key = example("anthropic-api-key", seed=at).key.decode()
    first, second = f"start\nANTHROPIC_API_KEY={key[:at]}", f"{key[at:]}"
    stamp, time = "2026-11-24T10:00:00.000000001Z", '"stream":"stdout","time":"2026-11-24T10:00:00.000000001Z"'
    if "container" in form:
        rows = ["before\\n", first.partition("\n")[2], second + "\\n", "behind\\n"]
        data = "".join(f'{{"log":"{row}",{time}}}\n' for row in rows)
    else:
        marks = zip("FPFF", ["before", first.partition("\n")[2], second, "behind"], strict=True)
        data = "".join(f"{stamp} stdout {mark} {row}\n" for mark, row in marks)
    assert values(data.encode()) == [("anthropic", key.encode())]


def test_whole_records_are_not_put_together() -> None:
    """Two lines of a node's log are two lines: the second is not the end of a key in the first."""
    key = example("anthropic-oauth-token", seed=3).key
    stamp = b"2026-11-24T10:00:00.000000001Z stdout F "
    assert [value for _, value in values(stamp + b"P " + key + b"\n" + stamp + b"restarted12345\n")] == [key]


@pytest.mark.parametrize("before", [b"https://h/v1/", b"https://", b"path/"])
def test_a_slash_before_a_key_is_not_part_of_it(before: bytes) -> None:
    """A key whose own alphabet has a slash stands in a path too."""
    key = example("aws-bedrock-api-key", seed=1).key
    assert [value for _, value in values(before + key + b" next")] == [key]
