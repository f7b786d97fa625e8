"""Dotenv text: one variable changes, and every other byte stays; read as the deployment reads it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from practice.wires.deploy import dotenv as theirs
from runbook.errors import BadInput
from runbook.wires.deploy.dotenv import assignments, parse, with_value

TEXT = """\
# shop-api, production
export PORT=3000   # the proxy knows it
DATABASE_URL="postgresql://shop:pa#ss@db/shop"

  STRIPE_SECRET_KEY = 'old'
GREETING="two
lines"
EMPTY=
COLON: yes
PORT=3001
"""

CASES = [  # text, variable, value, the text afterwards
    ("A=1\nB=2\n", "A", "3", "A=3\nB=2\n"),
    ("A=1\nB=2", "C", "3", "A=1\nB=2\nC=3\n"),
    ("", "A", "1", "A=1\n"),
    ("A='1' # why\r\nB=2\r\n", "A", "x", "A='x' # why\r\nB=2\r\n"),
    ("export A=1 # why\n", "A", "x", "export A=x # why\n"),
    ("A=1\nA=2\n", "A", "3", "A=1\nA=3\n"),
    ("A=1\n", "A", "x y", 'A="x y"\n'),
    ("A=1\n", "A", 'x "y" z', "A='x \"y\" z'\n"),
    ("#A=0\nA=\n", "A", "1", "#A=0\nA=1\n"),
    ("A=\"x\ny\"\nB=2\n", "A", "z", "A=\"z\"\nB=2\n"),
    ("not an assignment\nA=1\n", "A", "2", "not an assignment\nA=2\n"),
]


@pytest.mark.parametrize(("text", "name", "value", "after"), CASES)
def test_one_variable_is_changed_and_all_else_stays(text: str, name: str, value: str, after: str) -> None:
    assert with_value(text, name, value) == after


def test_it_is_read_as_the_deployment_reads_it() -> None:
    assert parse(TEXT) == theirs.parse(TEXT)
    assert parse(TEXT)["DATABASE_URL"] == "postgresql://shop:pa#ss@db/shop"
    assert parse(TEXT)["GREETING"] == "two\nlines"
    assert parse(TEXT)["PORT"] == "3001"


def test_each_value_is_where_it_is_said_to_be() -> None:
    for each in assignments(TEXT):
        assert TEXT[each.start : each.end].strip("\"'") == each.value


NAMES = st.from_regex(r"\A[A-Z][A-Z0-9_]{0,8}\Z")
LINES = st.one_of(
    st.builds("{}={}".format, NAMES, st.from_regex(r"\A[A-Za-z0-9/:_.-]{0,10}\Z")),
    st.builds('{}="{}" # {}'.format, NAMES, st.from_regex(r"\A[A-Za-z0-9 #'=]{0,10}\Z"), st.just("kept")),
    st.builds("export {} = '{}'".format, NAMES, st.from_regex(r'\A[A-Za-z0-9 #"=\n]{0,10}\Z')),
    st.builds("# {}".format, st.from_regex(r"\A[A-Za-z0-9 ='\"]{0,12}\Z")),
    st.just(""),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(LINES, max_size=8).map("\n".join), NAMES, st.from_regex(r"\A[A-Za-z0-9_+/=#\" -]{0,20}\Z"))
def test_any_text_keeps_its_other_variables(text: str, name: str, value: str) -> None:
    assert parse(text) == theirs.parse(text)
    try:
        changed = with_value(text, name, value)
    except BadInput:
        return
    assert parse(changed) == theirs.parse(changed) == parse(text) | {name: value}
    if name in parse(text):
        there = [each for each in assignments(text) if each.name == name][-1]
        assert changed.startswith(text[: there.start])
        assert changed.endswith(text[there.end :])
    else:
        assert changed.startswith(text)


@settings(max_examples=80, deadline=None)
@given(st.text(st.sampled_from("AB=#'\"` \n:ex\\"), max_size=24))
def test_any_nonsense_is_changed_rightly_or_not_at_all(text: str) -> None:
    try:
        changed = with_value(text, "KEY", "value")
    except BadInput:
        return
    assert parse(changed) == parse(text) | {"KEY": "value"}
