"""The rules in SQL against the same rules in plain Python, on random worlds with much going wrong in them."""

from collections import Counter
from random import Random

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from reconcile_oracle import judge
from runbook.judgement.classes import CLASSES
from runbook.reconcile import ReconciliationFacts, ReconciliationSettings, reconcile

AS_OF, WINDOW = 1_000_000, (900_000, 996_000)
WORDS = {"PENDING": "pending", "PAID": "completed", "COMPLETED": "completed", "FAILED": "failed"}
WORDS |= {"REFUNDED": "refunded", "DISPUTED": "disputed", "CANCELED": "canceled"}
SETTINGS = ReconciliationSettings(*WINDOW, AS_OF, gateway_grace_seconds=60, ledger_grace_seconds=600, status_map=WORDS)
COMPARED = ("row_id", "object_ids", "user_id", "order_key", "class", "would_be", "break_on", "age_bucket")
COMPARED += ("created_at", "gateway_minor", "ledger_minor", "difference_minor", "intent_id")
# Times on both edges of the window, both graces and the half hour, and one that lies far outside.
TIMES = [900_010, 900_059, 900_060, 900_600, 995_400, 995_401, 995_940, 998_200, 998_201, 999_400, 999_401, 999_990, 0]
INTENT_WORDS = ["succeeded"] * 6 + ["processing", "requires_capture", "requires_payment_method", "canceled"]
REFUND_WORDS = ["succeeded"] * 6 + ["pending", "requires_action", "failed", "failed", "canceled"]
DISPUTE_WORDS = ["needs_response", "under_review", "appeal_under_review", "won", "lost", "prevented"]
DISPUTE_WORDS += ["warning_needs_response", "warning_closed"]


class Dice(Random):
    def mostly(self, usual, *rare, one_in=8):
        """The usual value, or one time in `one_in` one of the rare ones."""
        return usual if self.randrange(one_in) else self.choice(rare)

    def time(self):
        return self.mostly(950_000, *TIMES, one_in=2)


def payment(number, dice):
    """What both sides hold about one payment: coherent at first, then with a twist here and there."""
    intent, charge = gateway_pair(number, dice)
    received = intent["amount_received"]
    full = received or intent["amount"]
    common = {key: intent[key] for key in ("currency", "amount", "created")}
    attempt = charge | {"id": f"py_{number}", "status": "failed", "captured": False, "amount_captured": 0}
    names = {"payment_intent": dice.mostly(charge["payment_intent"], None), "charge": dice.mostly(charge["id"], None)}

    def children(prefix, words, odds):
        return [
            common
            | names
            | {"id": f"{prefix}_{number}_{place}", "amount": dice.mostly(full, 400, one_in=3), "created": dice.time()}
            | {"status": dice.mostly(dice.choice(words), None, "new_word", one_in=30)}
            | ({"livemode": dice.mostly(True, False, one_in=40)} if prefix == "dp" else {})
            for place in range(dice.mostly(0, 1, 1, 2, one_in=odds))
        ]

    facts = {
        "intents": dice.mostly([intent], [], one_in=12),
        "charges": dice.mostly([charge], [], [charge | attempt, charge], one_in=5),
        "refunds": children("re", REFUND_WORDS, odds=3),
        "disputes": children("dp", DISPUTE_WORDS, odds=5),
    }
    if not facts["refunds"] and not dice.randrange(3):  # a refund that the window did not bring
        charge["amount_refunded"] = dice.choice([400, full])
    return facts | {"ledger": ledger_rows(number, intent, full, dice)}


def gateway_pair(number, dice):
    amount = dice.mostly(1000, 100_000, 10, 400, 0, one_in=4)
    status = dice.mostly(dice.choice(INTENT_WORDS), "new_word", one_in=40)
    paid = status == "succeeded"
    received = dice.mostly(amount, amount * 6 // 10) if paid else 0
    metadata = {"transactionId": f"row_{number}", "userId": "ann", "orderId": f"order_{number}"}
    if not dice.randrange(8):
        metadata[dice.choice([*metadata])] = dice.choice([None, "bob", "order_1"])
    common = {"amount": amount, "currency": dice.mostly("eur", "jpy", "kwd"), "created": dice.time()}
    intent = common | {
        **{"id": f"pi_{number}", "status": status, "amount_received": received},
        **{"metadata": dice.mostly(metadata, None, {}), "livemode": dice.mostly(True, False, one_in=40)},
    }
    charge = common | {
        **{"id": f"ch_{number}", "payment_intent": dice.mostly(intent["id"], None, one_in=15)},
        **{"status": dice.mostly("succeeded" if paid else "failed", "pending", "succeeded", "new_word", one_in=15)},
        **{"captured": paid, "amount_captured": received, "amount_refunded": 0, "created": dice.time()},
        **{
            "currency": dice.mostly(common["currency"], "usd", one_in=40),
            "livemode": dice.mostly(True, False, one_in=40),
        },
        **{"disputed": dice.mostly(False, True, one_in=10)},
    }
    return intent, charge


def ledger_rows(number, intent, full, dice):
    word = dice.mostly("COMPLETED" if intent["status"] == "succeeded" else "PENDING", *WORDS, one_in=2)
    amounts = (intent["amount"], full * 100, full // 100, full * 10, full // 1000, 7)
    row = {
        **{"row_id": f"row_{number}", "intent_id": dice.mostly(intent["id"], None, f"ch_{number}", one_in=12)},
        **{
            "user_id": dice.mostly("ann", "bob", None, one_in=15),
            "amount_minor": dice.mostly(full, *amounts, one_in=5),
        },
        **{"currency": dice.mostly(intent["currency"], "usd", None, one_in=15)},
        **{"status": dice.mostly(word, "UNHEARD_OF", one_in=30)},
        **{"order_key": dice.mostly(f"order_{number}", None, "order_1", one_in=5)},
        **{"created_at": dice.mostly(intent["created"], *TIMES), "updated_at": dice.time()},
    }
    again = row | {"row_id": f"again_{number}", "status": dice.choice([*WORDS])}
    return dice.mostly([row], [], [], [again, row], one_in=5)


def world(seeds):
    """One payment for each seed; an overlapping page brings the first intent and the first row once more."""
    drawn = [payment(number, Dice(each)) for number, each in enumerate(seeds)]
    kinds = ("intents", "charges", "refunds", "disputes", "ledger")
    facts = {kind: [body for each in drawn for body in each[kind]] for kind in kinds}
    for kind in ("intents", "ledger"):
        facts[kind] += facts[kind][:1]
    return ReconciliationFacts(**facts)


def comparable(items):
    return sorted((tuple(item[name] for name in COMPARED) for item in items), key=repr)


def as_dicts(items):
    return [{name: getattr(item, "class_" if name == "class" else name) for name in COMPARED} for item in items]


def hold_together(facts, result):
    """What must be true of any reconciliation, whatever the facts."""
    assert comparable(as_dicts(result.items)) == comparable(judge(facts, SETTINGS))
    assert [each for each in result.identities if each.residual] == []
    assert {each.class_ for each in result.items} <= set(CLASSES)
    calm = [item for item in result.items if item.outcome == "ok" and item.class_ != "partly_refunded"]
    assert all(item.difference_minor == 0 for item in calm)
    landed = Counter(id for item in result.items for id in item.object_ids)
    kinds = (facts.intents, facts.charges, facts.refunds, facts.disputes)
    assert landed == Counter({body["id"]: 1 for kind in kinds for body in kind})
    assert sum(item.row_id is not None for item in result.items) == len({row["row_id"] for row in facts.ledger})


@seed(20261122)
@settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 2**32), max_size=40).map(world))
def test_sql_and_oracle_agree(facts):
    hold_together(facts, reconcile(facts, SETTINGS))


def test_sql_and_oracle_agree_on_every_class():
    facts = world(range(1500))
    result = reconcile(facts, SETTINGS)

    hold_together(facts, result)
    assert {each.class_ for each in result.items} == set(CLASSES)
