"""Whatever a side sends, a card shows it and nothing of it acts: not in a browser, not in a terminal."""

import re
import unicodedata
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runbook.display import html, text
from runbook.display.card import Card, Table, table
from runbook.display.nouns import card
from runbook.facts import Answer, Checked, Diagnosis, Evidence, Finding, Impact, Suspects
from runbook.judgement.escalation import Level
from runbook.plan import Carried, Plan, Step, Withheld, WorkItem

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
ACTS = "\x1b[2J\x1b]0;title\x07\u202eevil\u2066\x00\x9b31m\r\x07"
HOSTILE = f"{SCRIPT}{ACTS}sk_live_51Habcd postgres://u:hunter2@h/db jane@example.com 4242424242424242"
LEAKS = ("51Habcdef", "hunter2", "jane@", "4242424242424242")


def everywhere(said):
    grid = Table((said, "b"), ((said, said), (said, "")), 7)
    return Card(said, "bad", lines=(said, said), struck=(said,), table=grid, note=said, by_hand=said, badge=said)


def acting(shown):
    """Characters that a terminal or a browser would act upon; the line end is the renderer's own."""
    return [char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") and char != "\n"]


class Page(HTMLParser):
    """Tags and attributes of what was rendered."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.names, self.words = set(), set(), []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.words.append(data)


# Escaping


def test_html_holds_text_and_no_tag_of_anybody_elses():
    page = Page(html.render(everywhere(HOSTILE)))
    assert page.tags == {
        "div", "strong", "span", "s", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "code"
    }  # fmt: skip
    assert page.names == {"style"}
    assert "<script>alert(1)</script>" in "".join(page.words)


@pytest.mark.parametrize("render", [html.render, text.render])
def test_nothing_acts_and_nothing_leaks_from_any_place_of_a_card(render):
    shown = render(everywhere(HOSTILE))
    assert acting(shown) == []
    for secret in LEAKS:
        assert secret not in shown


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_at_all_acts(said):
    for render in (html.render, text.render):
        assert acting(render(everywhere(said))) == []
    assert Page(html.render(everywhere(said))).names == {"style"}


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_row_of_any_side_acts(name, value):
    shown = Card("rows", table=table([{name: value, "list": (value, value), "created_at": 1768478400}]))
    for render in (html.render, text.render):
        assert acting(render(shown)) == []


# Nouns


def finding(answer=Answer.DOES_NOT_HOLD):
    return Finding(HOSTILE, answer, HOSTILE, implicates=("rate_limited",), weight=1)


def hostile_nouns():
    suspects = Suspects(("rate_limited", "gateway_outage")).given(
        finding(),
        Finding("unread", Answer.CANNOT_TELL, HOSTILE),
        Finding("x", Answer.HOLDS, HOSTILE, clears=("gateway_outage",)),
    )
    impact = Impact(1, 1, {"usd": 1}, "one-off")
    step = Step("update_row", HOSTILE, HOSTILE, {"status": HOSTILE}, {"status": HOSTILE}, HOSTILE, payment=HOSTILE,
                amount_minor=1, currency="usd")  # fmt: skip
    plan = Plan("t", "i", "r", "n", (step,), (WorkItem(HOSTILE, HOSTILE, HOSTILE, 1, "usd"),), (HOSTILE,))
    return [
        finding(),
        suspects,
        suspects.in_full(),
        Evidence(HOSTILE, HOSTILE, NOON, ({"a": HOSTILE, HOSTILE: (HOSTILE,)},), HOSTILE, note=HOSTILE),
        Evidence("?", "logs", NOON, unreadable=HOSTILE),
        impact,
        Diagnosis(("rate_limited",), HOSTILE, suspects, impact, "13_scenario_d_rate_limit", {"incident": HOSTILE}),
        Level(1, HOSTILE, HOSTILE, (HOSTILE,)),
        plan,
        Plan("t", "i", "r", "n", (), plan.work_list),
        Carried("plan-1", ((step, Withheld("k", HOSTILE)),)),
        Checked("after", (finding(),)),
    ]


@pytest.mark.parametrize("noun", hostile_nouns(), ids=lambda noun: type(noun).__name__)
def test_every_noun_is_shown_without_acting_or_leaking(noun):
    shown = card(noun)
    page = Page(html.render(shown))
    assert page.names <= {"style"}
    assert not page.tags & {"script", "img", "a", "iframe", "object"}
    for render in (html.render, text.render):
        assert acting(render(shown)) == []
        assert not any(secret in render(shown) for secret in LEAKS)


@pytest.mark.parametrize(
    ("answer", "mark"), [(Answer.HOLDS, "[ok] "), (Answer.DOES_NOT_HOLD, "[!!] "), (Answer.CANNOT_TELL, "[??] ")]
)
def test_an_answer_is_seen_without_colour(answer, mark):
    shown = card(Finding("It is well.", answer, "because it is"))
    assert text.render(shown) == f"{mark}It is well.\n  because it is"
    assert answer.value in "".join(Page(html.render(shown)).words)


def test_a_noun_that_nobody_knows_is_an_error():
    with pytest.raises(TypeError, match="nothing says how to show a int"):
        card(1)


def test_a_plan_without_steps_leaves_nothing_to_do_and_says_so():
    assert text.render(card(Carried("", ()))) == "[ok] There is nothing to do."


# Tables


def rows(count):
    return [{"intent_id": f"pi_{at}", "amount_minor": 1234 + at, "currency": "usd"} for at in range(count)]


@pytest.mark.parametrize(
    ("count", "said"), [(1, ""), (10, ""), (11, "10 of 11 rows"), (12_345, "10 of 12,345 rows")]
)
def test_a_table_that_is_cut_says_how_many_there_are(count, said):
    cut = table(rows(count))
    assert (cut.cut, len(cut.rows)) == (said, min(count, 10))
    for render in (html.render, text.render):
        assert re.findall(r"\d+ of [\d,]+ rows", render(Card("t", table=cut))) == ([said] if said else [])


def test_no_rows_are_no_table():
    assert table([]) is None


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("a", None, "—"), ("a", "", "—"), ("a", (), "—"), ("a", 0, "0"), ("a", 12345, "12,345"), ("a", True, "True"),
        ("a", "x\ny", "x y"), ("a", ("b", "c"), "b, c"), ("a", list("abcdef"), "a, b, c, d and 2 more"),
        ("row_id", 1234567, "1234567"), ("id", 1234567, "1234567"), ("payment", "pi_1", "pi_1"),
        ("created_at", 1768478400, "2026-01-15 12:00:00"), ("first_at", NOON, "2026-01-15 12:00:00"),
        ("created_at", 10**20, "100000000000000000000"), ("created_at", "", "—"),
    ],
)  # fmt: skip
def test_a_cell_shows_a_value_as_people_read_it(name, value, shown):
    assert table([{name: value}]).rows == ((shown,),)


def test_a_time_says_once_that_it_is_utc():
    assert table([{"created_at": 1768478400, "last_at": None, "share": "1 %"}]).columns == (
        "created_at UTC", "last_at UTC", "share",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"amount_minor": 1234, "currency": "usd"}, {"amount": "12.34 USD"}),
        ({"amount_minor": 1234, "currency": "jpy"}, {"amount": "1,234 JPY"}),
        ({"amount_minor": 1234, "currency": None}, {"amount": "1,234"}),
        ({"amount_minor": 0, "currency": ""}, {"amount": "—"}),
        ({"amount_minor": None, "currency": "usd"}, {"amount": "—"}),
        ({"amount_minor": 1234}, {"amount_minor": "1,234"}),
        ({"row_amount_minor": 1, "row_currency": "usd", "customer": "cus_1", "a": "b"}, {"a": "b"}),
    ],
)
def test_an_amount_stands_with_its_currency(row, shown):
    made = table([row])
    assert dict(zip(made.columns, made.rows[0], strict=True)) == shown


def test_columns_that_only_some_rows_have_are_shown_for_all():
    made = table([{"a": 1}, {"b": 2}])
    assert (made.columns, made.rows) == (("a", "b"), (("1", "—"), ("—", "2")))


# Text


def test_text_aligns_columns_and_folds_what_is_long_without_losing_its_end():
    proposal = "look for the payer; refund it where nobody can be shown to own it, and say so"
    shown = text.render(Card("Left", table=table([{"payment": "pi_1", "proposal": proposal}, {"payment": "pi_22"}])))
    assert shown.splitlines() == [
        "Left",
        "  payment  proposal",
        "  -------  " + "-" * 58,
        "  pi_1     look for the payer; refund it where nobody can be shown to",
        "           own it, and say so",
        "  pi_22    —",
    ]


def test_a_word_without_end_is_folded_too():
    shown = text.render(Card("Left", table=table([{"a": "x" * 150}])))
    assert [len(line) for line in shown.splitlines()[3:]] == [62, 62, 32]


def test_lines_are_wrapped_and_commands_are_not():
    line = "word " * 40
    shown = text.render(Card("T", lines=(line,), by_hand=f"psql {line}"))
    first, *rest, command = shown.splitlines()
    assert first == "T"
    assert len(rest) == 2
    assert max(map(len, rest)) <= text.WIDTH
    assert command == f"  by hand: psql {line.strip()}"


COMMAND = "psql \"$DSN\" <<'SQL'\n-- Which rows?\nSELECT 1 <> 2;\nSQL"


def test_a_command_of_many_lines_is_short_as_text_and_whole_as_html():
    shown = Card("T", by_hand=COMMAND)
    assert text.render(shown) == "T\n  by hand: psql \"$DSN\" <<'SQL' … 3 more lines, all in .by_hand"
    page = html.render(shown)
    assert "<details" in page
    assert "".join(Page(page).words).endswith(f"The same by hand{COMMAND}")


def test_a_command_of_many_lines_does_not_act_either():
    shown = Card("T", by_hand=f"{HOSTILE}\n{HOSTILE}")
    for render in (html.render, text.render):
        assert acting(render(shown)) == []
        assert not any(secret in render(shown) for secret in LEAKS)
    page = Page(html.render(shown))
    assert page.tags <= {"div", "strong", "details", "summary", "pre"}
    assert page.names == {"style"}


def test_struck_lines_say_that_they_are_struck():
    assert "  struck out: rate_limited (0 of 9 entries)" in text.render(
        Card("T", struck=("rate_limited (0 of 9 entries)",))
    )
    assert "<s>rate_limited</s>" in html.render(Card("T", struck=("rate_limited",)))
