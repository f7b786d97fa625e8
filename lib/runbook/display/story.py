"""The answer to "payment failed but money deducted", as a page for the terminal: a card for each payment, its verdict
first, then what happened when. Readable at 60 columns, because support reads it beside the customer's mail."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from runbook import clock, money
from runbook.display import text
from runbook.display.card import Card, instant
from runbook.display.nouns import card
from runbook.evidence.timeline import PAYMENTS_MAX, Answered, Story
from runbook.judgement.customer_payment import Payment
from runbook.redact import mask

NARROWEST, WIDEST = 60, 100


def page(answered: Answered) -> str:
    """Everything that is shown, as wide as the terminal allows."""
    width = max(NARROWEST, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))
    return "\n\n".join(text.render(each, width) for each in [*map(card, answered.stories), summary(answered)])


@card.register
def _(story: Story) -> Card:
    verdict = story.verdict
    return Card(
        f"{title(story.payment)}: {verdict.name}",
        verdict.tone,
        (verdict.sentence, *about(story.payment), *moments(story)),
        note=f"Go on in notebooks/{verdict.notebook}.ipynb." if verdict.notebook else "",
        by_hand=by_hand(story.payment),
    )


def about(payment: Payment) -> Iterator[str]:
    """Whose payment it is, and for what."""
    told = [f"order {payment.order}"] if payment.order else []
    told += [f"user {user}" for user in dict.fromkeys(row["user_id"] for row in payment.rows if row["user_id"])]
    if payment.intent:
        told.insert(0, money.show(payment.intent["amount"], payment.intent["currency"]))
        told += [f"customer {payment.intent['customer']}"] if payment.intent.get("customer") else []
    if told:
        yield ", ".join(told)


def moments(story: Story) -> Iterator[str]:
    """The day once, then a line for each moment of it."""
    day = ""
    for moment in story.moments:
        date, _, time = instant(moment.at).partition(" ")
        if date != day:
            day = date
            yield f"{date}, UTC:"
        yield f"{time}  {moment.side:<7}  {moment.what}"


def by_hand(payment: Payment) -> str:
    if not payment.intent_id:
        return ""
    id = payment.intent_id
    return f"stripe payment_intents retrieve {id}; stripe charges list --payment-intent {id}"


def summary(answered: Answered) -> Card:
    """What was asked, where it was looked for, and what could not be seen."""
    asked = mask(answered.word.lower()) if "@" in answered.word else answered.word
    count = len(answered.stories)
    headline = {0: "Nothing was found.", 1: "One payment was found."}.get(count, f"{count} payments were found.")
    lines = [line(story) for story in answered.stories] if count > 1 else []
    lines += [f"Could not be read: {reason}" for reason in answered.blind]
    if not count:
        lines += ["Nobody can say whether money was taken. Ask the customer for the day, the amount and what their "
                  "statement says; another shop may stand behind it."]  # fmt: skip
    if answered.left_out:
        lines.append(f"{answered.left_out:,} older ones are not shown, only the newest {PAYMENTS_MAX}.")
    found = [f"{each.place} ({each.found})" for each in answered.searched if not each.unreadable]
    places = ", ".join(found) or "nothing"
    looked = f"Asked for {asked}. Looked at {places}, as of {clock.show(answered.as_of)}. Nothing was written."
    tone = "unsure" if answered.blind or not count else "plain"
    return Card(headline, tone, tuple(lines), note=looked)


def line(story: Story) -> str:
    """One of several payments: when, how much, what is true of it, which."""
    payment = story.payment
    sum_ = money.show(payment.intent["amount"], payment.intent["currency"]) if payment.intent else "amount unknown"
    began = f"{instant(story.moments[0].at)} UTC" if story.moments else "time unknown"
    return f"{began}, {sum_}: {story.verdict.name} ({title(payment)})"


def title(payment: Payment) -> str:
    return payment.intent_id or payment.rows[0]["row_id"]
