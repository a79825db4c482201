"""A key is put into a file of its form with every other byte as it was, or it is refused; and it is found there again."""

from __future__ import annotations

import json
import tomllib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from keysweep.foundation.secret import Secret
from keysweep.rotation.agents import AgentError
from keysweep.rotation.sinks.forms import Form, Shape

NAME = "SEARCH_KEY"
POINTER = "/servers/search/env/SEARCH_KEY"
NEW = "n3w-value_With.plain:signs"

KEPT = [
    pytest.param(Form.ENV, "", f"{NAME}=@\n", id="env: an empty file"),
    pytest.param(Form.ENV, "A=1", f"A=1\n{NAME}=@\n", id="env: no last line end"),
    pytest.param(
        Form.ENV,
        f"# {NAME}=x\nA=1\n{NAME}=old # why\nB='2'\n",
        f"# {NAME}=x\nA=1\n{NAME}=@ # why\nB='2'\n",
        id="env: comments",
    ),
    pytest.param(
        Form.ENV, f"export {NAME}='old'\r\nB=2\r\n", f"export {NAME}='@'\r\nB=2\r\n", id="env: quotes and line ends"
    ),
    pytest.param(
        Form.ENV,
        f'{NAME}="ol\\"d"\n{NAME}=\nX{NAME}=1\n',
        f'{NAME}="@"\n{NAME}=@\nX{NAME}=1\n',
        id="env: every line that sets it",
    ),
    pytest.param(
        Form.JSON,
        '{"servers": {\n\t"other":"old", "search" : {"env": {"OTHER": "old",  "SEARCH_KEY": "old"}}}}',
        '{"servers": {\n\t"other":"old", "search" : {"env": {"OTHER": "old",  "SEARCH_KEY": "@"}}}}',
        id="json: the same string elsewhere",
    ),
    pytest.param(
        Form.JSON,
        '{ // "old"\n "servers": {"search": {"env": {"SEARCH_KEY": "old", /* "old" */ }}},\n}',
        '{ // "old"\n "servers": {"search": {"env": {"SEARCH_KEY": "@", /* "old" */ }}},\n}',
        id="json: comments and last commas",
    ),
    pytest.param(
        Form.TOML,
        "# don't\n[servers.search.env]  # 'old'\nOTHER = 'old'\nSEARCH_KEY = 'old' # \"old\"\n[z]\nd = 1979-05-27\n",
        "# don't\n[servers.search.env]  # 'old'\nOTHER = 'old'\nSEARCH_KEY = \"@\" # \"old\"\n[z]\nd = 1979-05-27\n",
        id="toml: comments and dates",
    ),
    pytest.param(
        Form.TOML,
        'servers.search.env = { SEARCH_KEY = "old" }\nlong = """\n"old" \'old\'\n"""\n',
        'servers.search.env = { SEARCH_KEY = "@" }\nlong = """\n"old" \'old\'\n"""\n',
        id="toml: text of several lines",
    ),
    pytest.param(
        Form.YAML,
        "# c\nservers:\n  search:\n    env: {OTHER: old, SEARCH_KEY: old}  # old\n  x: [old]\n",
        '# c\nservers:\n  search:\n    env: {OTHER: old, SEARCH_KEY: "@"}  # old\n  x: [old]\n',
        id="yaml: plain, in a flow",
    ),
    pytest.param(
        Form.YAML,
        "servers:\n  search:\n    env:\n      SEARCH_KEY: 'old'\n      B: |\n        old\n",
        'servers:\n  search:\n    env:\n      SEARCH_KEY: "@"\n      B: |\n        old\n',
        id="yaml: quoted, before a block",
    ),
    pytest.param(Form.RAW, "old\n", "@", id="raw: the value and nothing else"),
    pytest.param(Form.TEMPLATE, "whatever", "key={{x}} in @ and @\n".replace("{{x}}", "1"), id="template: filled anew"),
]


def shape(form: Form) -> Shape:
    """Where the key of these examples stands."""
    return Shape(form=form, names=(NAME,), pointer=POINTER, template=f"key=1 in {{{{{NAME}}}}} and {{{{ {NAME} }}}}\n")


@pytest.mark.parametrize(("form", "before", "after"), KEPT)
def test_everything_else_is_kept(form: Form, before: str, after: str) -> None:
    """`@` stands for the new value; putting it there twice is the same as once, and it is seen there."""
    one = shape(form)
    written = one.with_value(before.encode(), Secret(NEW))
    assert written.decode() == after.replace("@", NEW)
    assert one.with_value(written, Secret(NEW)) == written
    assert one.holds(written, lambda value: value == NEW.encode())
    assert not one.holds(written, lambda value: value == b"old")
    assert not one.holds(before.encode(), lambda value: value == NEW.encode())


REFUSED = [
    pytest.param(Form.ENV, f'{NAME}="several\nlines"\n', NEW, id="env: a value of several lines"),
    pytest.param(Form.ENV, f"{NAME}=a 'b'\n", NEW, id="env: a value without a plain end"),
    pytest.param(Form.ENV, "", "with space", id="env: a value that needs quotes where none stand"),
    pytest.param(Form.ENV, f"{NAME}='x'\n", "it's", id="env: a quote within quotes"),
    pytest.param(Form.ENV, f'{NAME}="x"\n', "a$b", id="env: something that a shell would replace"),
    pytest.param(Form.ENV, f"{NAME}='x'\n", "a\nEVIL=1", id="env: a second line"),
    pytest.param(Form.JSON, "{}", NEW, id="json: no such place"),
    pytest.param(Form.JSON, '{"servers":{"search":{"env":{"SEARCH_KEY":1}}}}', NEW, id="json: a number there"),
    pytest.param(
        Form.JSON, '{"servers":{"search":{"env":{"SEARCH_KEY":"a","SEARCH_KEY":"b"}}}}', NEW, id="json: twice"
    ),
    pytest.param(Form.JSON, "[" * 100_000, NEW, id="json: deeper than can be read"),
    pytest.param(Form.TOML, "servers.search.env.SEARCH_KEY = '''a'''", NEW, id="toml: a string of several lines"),
    pytest.param(Form.YAML, "a: &x old\nservers: {search: {env: {SEARCH_KEY: *x}}}", NEW, id="yaml: an alias"),
    pytest.param(
        Form.YAML,
        "servers:\n  search:\n    env:\n      SEARCH_KEY: |\n        a\n      B: 1\n",
        NEW,
        id="yaml: a block",
    ),
    pytest.param(Form.YAML, "!!python/object:os.system {}", NEW, id="yaml: something to be run"),
    pytest.param(Form.TEMPLATE, "", 'a"b', id="template: a value that may mean something"),
]


@pytest.mark.parametrize(("form", "before", "value"), REFUSED)
def test_what_is_not_safe_is_refused(form: Form, before: str, value: str) -> None:
    """And the error shows neither value."""
    with pytest.raises(AgentError) as refused:
        shape(form).with_value(before.encode(), Secret(value))
    assert value not in f"{refused.value.message} {refused.value.hint}"


def test_a_template_may_name_its_own_credential_only() -> None:
    """What is in a place that nobody fills would be read as a key."""
    for text in ("no place", "{{OTHER}}", f"{{{{{NAME}}}}} {{{{OTHER}}}}"):
        with pytest.raises(AgentError):
            Shape(form=Form.TEMPLATE, names=(NAME,), template=text).with_value(None, Secret(NEW))


_STRINGS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
_DOCUMENTS = st.recursive(
    _STRINGS | st.integers(-9, 9) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_STRINGS, inner, max_size=3),
    max_leaves=8,
)


def _strings(document: object, pointer: str = "") -> list[str]:
    match document:
        case str():
            return [pointer]
        case dict():
            pairs = list(document.items())
        case list():
            pairs = [(str(at), one) for at, one in enumerate(document)]
        case _:
            return []
    return [
        found
        for name, one in pairs
        for found in _strings(one, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    ]


def _set(document: object, pointer: str, value: str) -> object:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]
    place = document
    for step in steps[:-1]:
        place = place[int(step) if isinstance(place, list) else step]  # type: ignore[index]
    place[int(steps[-1]) if isinstance(place, list) else steps[-1]] = value  # type: ignore[index]
    return document


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(_STRINGS, _DOCUMENTS, min_size=1, max_size=3), _STRINGS, st.data())
def test_any_string_of_any_document_can_be_replaced(
    document: dict[str, object], value: str, data: st.DataObject
) -> None:
    """The law behind the examples: what is read afterwards is the document with that string, and nothing else changed."""
    for form, written, read in (
        (Form.JSON, json.dumps(document), json.loads),
        (Form.YAML, yaml.safe_dump(document, width=10_000), yaml.safe_load),
    ):
        pointers = _strings(document)
        if pointers:
            at = data.draw(st.sampled_from(pointers))
            changed = Shape(form=form, pointer=at).with_value(written.encode(), Secret(value)).decode()
            assert read(changed) == _set(read(written), at, value)


def test_a_document_of_toml_is_read_alike_but_for_the_key() -> None:
    """By the standard library's own reader."""
    before = "servers.search.env.SEARCH_KEY = 'old'\n[[list]]\na = [1, 2.5, inf, true, 1979-05-27T07:32:00Z]\n"
    after = tomllib.loads(shape(Form.TOML).with_value(before.encode(), Secret(NEW)).decode())
    assert after == {**tomllib.loads(before), "servers": {"search": {"env": {"SEARCH_KEY": NEW}}}}
