"""The reconciliation a second time, slowly: plain Python, one item after the other, straight from Stripe's bodies.

It shares no code with the runbook. What it decides was written from the rules as sentences, tier by tier; where it and
classify.sql disagree, one of the two has a bug.
"""

from collections import defaultdict
from dataclasses import dataclass, field

CLAIMS = ("completed", "refunded", "disputed")
OPEN = ("needs_response", "under_review", "appeal_needs_response", "appeal_under_review")
OVER = ("won", "prevented")
INQUIRY = ("warning_needs_response", "warning_under_review", "warning_closed")
UNDER_WAY = ("pending", "requires_action")
INTENT_WORDS = (
    "succeeded processing requires_capture requires_action requires_confirmation requires_payment_method canceled"
)
DAY = 86_400


@dataclass
class Payment:
    """Everything at Stripe that hangs on one intent (or on one charge without an intent)."""

    intent: dict | None = None
    charges: list = field(default_factory=list)
    refunds: list = field(default_factory=list)
    disputes: list = field(default_factory=list)
    intent_id: str | None = None

    @property
    def objects(self):
        return ([self.intent] if self.intent else []) + self.charges + self.refunds + self.disputes

    @property
    def known(self):
        return bool(self.intent or self.charges)

    @property
    def status(self):
        if self.intent:
            return self.intent["status"]
        words = [charge["status"] for charge in self.charges]
        if "succeeded" in words:
            captured = any(charge["captured"] for charge in self.charges if charge["status"] == "succeeded")
            return "succeeded" if captured else "requires_capture"
        if "pending" in words:
            return "processing"
        return "requires_payment_method" if words and all(word == "failed" for word in words) else None

    @property
    def paid(self):
        return self.status == "succeeded"

    @property
    def captured(self):
        return sum(
            each["amount_captured"] for each in self.charges if each["status"] == "succeeded" and each["captured"]
        )

    @property
    def received(self):
        return self.intent["amount_received"] if self.intent else self.captured

    @property
    def amount(self):
        if self.intent:
            return self.intent["amount"]
        good = [charge["amount"] for charge in self.charges if charge["status"] == "succeeded"]
        return sum(good) if good else max((charge["amount"] for charge in self.charges), default=None)

    @property
    def shown(self):
        return self.received if self.paid else self.amount

    @property
    def currency(self):
        for group in ([self.intent] if self.intent else [], self.charges, self.refunds, self.disputes):
            if group:
                return min(each["currency"] for each in group)
        return None

    @property
    def created(self):
        return self.intent["created"] if self.intent else min(each["created"] for each in self.objects)

    @property
    def paid_at(self):
        times = [charge["created"] for charge in self.charges if charge["status"] == "succeeded"]
        return max(times) if times else self.intent and self.intent["created"]

    @property
    def refunds_open(self):
        return sum(each["amount"] for each in self.refunds if each["status"] in UNDER_WAY)

    @property
    def refunded(self):
        by_object = self.refunds_open + sum(each["amount"] for each in self.refunds if each["status"] == "succeeded")
        released = {charge["id"]: charge["amount"] - charge["amount_captured"] for charge in self.charges}
        by_charge = sum(max(0, charge["amount_refunded"] - released[charge["id"]]) for charge in self.charges)
        return max(by_object, by_charge)

    @property
    def lost(self):
        return sum(each["amount"] for each in self.disputes if each["status"] == "lost")

    @property
    def withdrawn(self):
        return self.lost + sum(each["amount"] for each in self.disputes if each["status"] in OPEN)

    @property
    def dispute(self):
        words = {each["status"] for each in self.disputes}
        for state, members in (("open", OPEN), ("lost", ("lost",)), ("won", OVER)):
            if words & set(members):
                return state
        return "inquiry" if words else "none"

    def named(self, key):
        return ((self.intent or {}).get("metadata") or {}).get(key)

    def wrong_mode(self, expected):
        return any(each.get("livemode", expected) != expected for each in self.objects)

    def strange_words(self):
        yield from (c for c in self.charges if c["status"] not in ("succeeded", "pending", "failed"))
        yield from (r for r in self.refunds if r["status"] not in ("succeeded", "failed", "canceled", *UNDER_WAY))
        yield from (d for d in self.disputes if d["status"] not in ("lost", *OPEN, *OVER, *INQUIRY))
        if self.known and self.status not in INTENT_WORDS.split():
            yield self


def judge(facts, settings):
    """Every item as a dict, in no particular order."""
    payments = _payments(facts)
    pairs = _pairs(payments, _unique(facts.ledger, "row_id"), settings.status_map)
    judged = [_judge(payment, row, rows, settings, None) for payment, row, rows in pairs]
    kept = _kept_of_double_charges(pairs, judged)
    return [
        _judge(payment, row, rows, settings, kept.get(found["intent_id"]) if payment else None)
        for (payment, row, rows), found in zip(pairs, judged, strict=True)
    ]


def _unique(bodies, key="id"):
    return list({body[key]: body for body in bodies}.values())


def _payments(facts):
    payments = defaultdict(Payment)
    charges = {charge["id"]: charge for charge in facts.charges}
    for intent in _unique(facts.intents):
        payments[intent["id"]].intent = intent
        payments[intent["id"]].intent_id = intent["id"]
    for charge in charges.values():
        _hang(payments, "charges", charge, charge.get("payment_intent"), charge["id"])
    for kind in ("refunds", "disputes"):
        for child in _unique(getattr(facts, kind)):
            charge = charges.get(child.get("charge"), {})
            intent_id = child.get("payment_intent") or charge.get("payment_intent")
            _hang(payments, kind, child, intent_id, child.get("charge") or child["id"])
    return dict(payments)


def _hang(payments, kind, child, intent_id, otherwise):
    payment = payments[intent_id or otherwise]
    getattr(payment, kind).append(child)
    payment.intent_id = payment.intent_id or intent_id


def _pairs(payments, ledger, words):
    by_intent = defaultdict(list)
    pairs = []
    for row in ledger:
        if row["intent_id"]:
            by_intent[row["intent_id"]].append(row)
        else:
            pairs.append((None, row, 1))
    for key, rows in by_intent.items():
        rows.sort(key=lambda row: (words.get(row["status"]) not in CLAIMS, row["created_at"], row["row_id"]))
        pairs.append((payments.get(key), rows[0], len(rows)))
        pairs.extend((None, row, len(rows)) for row in rows[1:])
    pairs.extend((payment, None, 0) for key, payment in payments.items() if key not in by_intent)
    return pairs


def _kept_of_double_charges(pairs, judged):
    orders = defaultdict(list)
    for (payment, _row, _), found in zip(pairs, judged, strict=True):
        if payment and payment.paid and found["order_key"] and found["intent_id"] and (found["held"] or 0) > 0:
            rank = (found["meaning"] != "completed", found["created_at"], found["intent_id"])
            orders[found["order_key"]].append(rank)
    return {rank[2]: min(ranks)[2] for ranks in orders.values() for rank in ranks if rank != min(ranks)}


def _judge(payment, row, rows, settings, kept):
    meaning = settings.status_map.get(row["status"]) if row else None
    found, due, edge_grace = _find(payment, row, rows, meaning, settings, kept)
    edge = payment.created if payment and not row else row["created_at"] if row else 0
    if due is not None and due > settings.as_of:
        name = "in_grace"
    elif edge_grace is not None and not (
        settings.window_start + edge_grace <= edge <= settings.window_end - edge_grace
    ):
        name = "window_edge"
    else:
        name = found
    created = payment.created if payment else row["created_at"]
    calm = ("window_edge", "lone_object", "in_progress", "matched", "abandoned", "never_reached_gateway")
    calm += ("failed_matched", "partly_refunded", "given_back")
    held = _held_at_stripe(payment, row, settings)
    counted = _counted_by_ledger(payment, row, meaning)
    currencies_differ = payment and row and payment.currency != row["currency"] and (held, counted) != (0, 0)
    return {
        "intent_id": (payment and payment.intent_id) or (row and row["intent_id"]),
        "row_id": row and row["row_id"],
        "object_ids": tuple(sorted(each["id"] for each in payment.objects)) if payment else (),
        "user_id": (row and row["user_id"]) or (payment and payment.named("userId")),
        "order_key": (row and row["order_key"]) or (payment and payment.named("orderId")),
        "class": name,
        "would_be": None if name == found else found,
        "break_on": None if name in calm else created if due is None else due,
        "age_bucket": _age((settings.as_of - created) // DAY),
        "created_at": created,
        "gateway_minor": payment.shown if payment else None,
        "ledger_minor": row and row["amount_minor"],
        "difference_minor": None if None in (held, counted) or currencies_differ else held - counted,
        "held": held,
        "meaning": meaning,
    }


def _age(days):
    return "0-1 d" if days <= 1 else "2-7 d" if days <= 7 else "8-30 d" if days <= 30 else ">30 d"


def _held_at_stripe(payment, row, settings):
    if payment is None:
        return 0
    if not payment.known or (payment.intent is None and payment.intent_id and row is None):
        return None
    if not payment.paid or payment.wrong_mode(settings.livemode_expected):
        return 0
    return payment.received - payment.refunded - payment.withdrawn


def _counted_by_ledger(payment, row, meaning):
    if row is None:
        return 0
    if meaning is None:
        return None
    if meaning == "completed":
        return row["amount_minor"]
    if meaning == "disputed" and payment and payment.dispute not in ("none", "won"):
        return row["amount_minor"] - payment.refunded - payment.withdrawn
    return 0


def _find(payment, row, rows, meaning, settings, kept):
    """The class, the moment from which it is a break (None: at once), and the grace at the window's edges if lone."""
    changed_late = row and row["updated_at"] + settings.gateway_grace_seconds
    if payment and payment.wrong_mode(settings.livemode_expected):
        return "mode_mixed", None, None
    if rows > 1:
        return "duplicate_rows", None, None
    if (row and meaning is None) or (payment and any(payment.strange_words())):
        return "unclassified", None, None
    if payment is None:
        return _lone_row(row, meaning, settings, changed_late)
    if len({each["currency"] for each in payment.objects}) > 1:
        return "unclassified", None, None
    if payment.intent and payment.paid and payment.captured > payment.received:
        return "unclassified", None, None
    if not payment.intent and (not payment.known or (payment.intent_id and row is None)):
        return "lone_object", None, None
    if doubt := _doubt(payment, row, kept):
        return doubt, None, None
    if not payment.paid:
        late = changed_late if meaning in CLAIMS else None
        return _unpaid(payment, meaning, settings), late, None
    ledger_late = payment.paid_at + settings.ledger_grace_seconds
    if meaning in (None, "failed", "canceled"):
        # The ledger never counted the payment, so a payment given back in full is nobody's loss.
        if payment.received and payment.refunded - payment.refunds_open + payment.lost >= payment.received:
            return "given_back", None, None
        if payment.received and payment.refunded + payment.lost >= payment.received:
            return "in_progress", None, None
    if row is None:
        return "paid_not_recorded", ledger_late, settings.ledger_grace_seconds
    if difference := _amounts(payment, row):
        return difference, ledger_late if difference == "partial_capture" else None, None
    return _after_payment(payment, meaning, settings, ledger_late, changed_late)


def _lone_row(row, meaning, settings, late):
    if row["intent_id"]:
        name = "recorded_not_paid" if meaning in CLAIMS else "intent_not_found"
        return name, late, settings.gateway_grace_seconds
    if meaning in CLAIMS:
        return "no_intent_id", None, None
    young = settings.as_of - row["created_at"] < settings.stuck_after_seconds
    return "in_progress" if young and meaning == "pending" else "never_reached_gateway", None, None


def _doubt(payment, row, kept):
    if kept:
        return "double_charge"
    if row:
        for key, column in (("transactionId", "row_id"), ("userId", "user_id"), ("orderId", "order_key")):
            if payment.named(key) and row[column] and payment.named(key) != row[column]:
                return "metadata_mismatch"
    if payment.paid and payment.refunded + payment.withdrawn > payment.received:
        return "over_refund"
    attempts = sorted(payment.refunds, key=lambda each: (each["created"], each["id"]))
    short = payment.paid and payment.refunded + payment.lost < payment.received
    return "failed_refund" if short and attempts and attempts[-1]["status"] == "failed" else None


def _unpaid(payment, meaning, settings):
    if meaning in CLAIMS:
        return "completed_but_unpaid"
    if payment.status in ("processing", "requires_capture"):
        return "in_progress"
    if meaning in ("failed", "canceled"):
        return "failed_matched"
    young = settings.as_of - payment.created < settings.stuck_after_seconds
    return "in_progress" if young and payment.status != "canceled" else "abandoned"


def _amounts(payment, row):
    recorded, received = row["amount_minor"], payment.received
    if row["currency"] != payment.currency:
        return "currency_differs"
    if recorded == received:
        return None
    if recorded == payment.amount > received:
        return "partial_capture"
    small, large = sorted((recorded, received))
    factors = (10, 1000) if payment.currency in ("bhd", "jod", "kwd", "omr", "tnd") else (100,)
    return "unit_error" if any(small * factor == large for factor in factors) else "amount_differs"


def _after_payment(payment, meaning, settings, ledger_late, changed_late):
    """The amounts agree: what is left is what happened after the payment, and whether the row followed."""
    if not payment.disputes and any(charge["disputed"] for charge in payment.charges):
        return "unclassified", None, None
    gone = payment.refunded + payment.lost
    whole = payment.received > 0 and payment.refunded >= payment.received
    dispute_late = max((each["created"] for each in payment.disputes), default=0) + settings.ledger_grace_seconds
    if payment.dispute == "open" and meaning != "disputed":
        return "dispute_not_recorded", dispute_late, None
    if payment.dispute == "lost" and meaning != "disputed" and (meaning != "refunded" or gone < payment.received):
        return "dispute_differs", dispute_late, None
    if meaning == "disputed":
        if payment.dispute == "won":
            return "dispute_differs", dispute_late, None
        return ("dispute_differs", changed_late, None) if payment.dispute == "none" else ("matched", None, None)
    if meaning == "refunded":
        return ("refund_differs", changed_late, None) if gone < payment.received else ("matched", None, None)
    if meaning in ("pending", "completed") and whole:
        if payment.refunded - payment.refunds_open < payment.received:
            return "in_progress", None, None
        last = max((each["created"] for each in payment.refunds), default=payment.paid_at)
        return "refund_not_recorded", last + settings.ledger_grace_seconds, None
    if meaning == "pending":
        return "paid_but_pending", ledger_late, None
    if meaning in ("failed", "canceled"):
        return "paid_but_failed", ledger_late, None
    return "partly_refunded" if payment.refunded else "matched", None, None
