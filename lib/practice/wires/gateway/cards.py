"""Cards: Stripe's published test numbers and what each does, ordinary numbers, and why a card says no."""

from dataclasses import dataclass
from typing import Any

from .errors import card_error, invalid
from .ids import letters

SUCCESS = ""
AUTHENTICATE = "authenticate"

# Published test number -> (names after `pm_card_` and `tok_`, what happens).
TEST_CARDS: dict[str, tuple[tuple[str, ...], str]] = {
    "4242424242424242": (("visa",), SUCCESS),
    "4000056655665556": (("visa_debit",), SUCCESS),
    "5555555555554444": (("mastercard",), SUCCESS),
    "5200828282828210": (("mastercard_debit",), SUCCESS),
    "378282246310005": (("amex",), SUCCESS),
    "6011111111111117": (("discover",), SUCCESS),
    "4000000000000341": (("chargeCustomerFail",), "generic_decline"),
    "4000000000000002": (("chargeDeclined", "visa_chargeDeclined"), "generic_decline"),
    "4000000000009995": (("chargeDeclinedInsufficientFunds", "visa_chargeDeclinedInsufficientFunds"),
                         "insufficient_funds"),
    "4000000000009987": (("chargeDeclinedLostCard", "visa_chargeDeclinedLostCard"), "lost_card"),
    "4000000000009979": (("chargeDeclinedStolenCard", "visa_chargeDeclinedStolenCard"), "stolen_card"),
    "4000000000000069": (("chargeDeclinedExpiredCard",), "expired_card"),
    "4000000000000127": (("chargeDeclinedIncorrectCvc",), "incorrect_cvc"),
    "4000000000000119": (("chargeDeclinedProcessingError",), "processing_error"),
    "4000000000006975": (("chargeDeclinedVelocityLimitExceeded",), "card_velocity_exceeded"),
    "4100000000000019": (("chargeDeclinedFraudulent",), "fraudulent"),
    "4000002500003155": (("authenticationRequiredOnSetup",), AUTHENTICATE),
    "4000002760003184": (("authenticationRequired",), AUTHENTICATE),
    "4000000000003220": (("threeDSecure2Required",), AUTHENTICATE),
}
BY_NAME = {name: number for number, (names, _) in TEST_CARDS.items() for name in names}

# Decline code -> what the customer may be told. Codes that have an error code of their own stand in OWN_CODE.
DECLINES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "do_not_honor": "Your card was declined.",
    "lost_card": "Your card was declined.",
    "stolen_card": "Your card was declined.",
    "fraudulent": "Your card was declined.",
    "transaction_not_allowed": "Your card does not support this type of purchase.",
    "card_velocity_exceeded": "Your card was declined for making repeated attempts too frequently or exceeding its "
                              "amount limit.",
    "live_mode_test_card": "Your card was declined. Your request was in live mode, but used a known test card.",
    "test_mode_live_card": "Your card was declined. Your request was in test mode, but used a non test card. For a "
                           "list of valid test cards, visit: https://stripe.com/docs/testing.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}
OWN_CODE = frozenset({"expired_card", "incorrect_cvc", "processing_error", "authentication_required"})


@dataclass(frozen=True)
class Card:
    """What the simulator knows about a card; `number` never leaves the process."""

    number: str
    exp_month: int
    exp_year: int
    behaviour: str

    @property
    def brand(self) -> str:
        first = {"3": "amex", "5": "mastercard", "2": "mastercard", "6": "discover"}
        return first.get(self.number[0], "visa")

    @property
    def is_published(self) -> bool:
        return self.number in TEST_CARDS


def luhn_digit(stem: str) -> str:
    """The check digit that makes `stem` a card number."""
    doubled = (int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(stem)))
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def ordinary_number(material: str | int) -> str:
    """A Luhn-valid Visa number that is none of the published test cards; the same one for the same material."""
    digits = "".join(str(ord(letter) % 10) for letter in letters(f"card/{material}", 13))
    stem = "44" + digits
    number = stem + luhn_digit(stem)
    return number if number not in TEST_CARDS else ordinary_number(f"{material}/again")


def read(params: dict[str, Any], now_year: int) -> Card:
    """A card from `card[...]` of a payment method. Raises ApiError 402 (Stripe's answer to a bad number) or 400."""
    if "token" in params:
        card = named(params["token"].removeprefix("tok_"), now_year)
        if card is None:
            raise invalid(f"No such token: '{params['token']}'", code="resource_missing", param="card[token]")
        return card
    number = "".join(params.get("number", "").split())
    if not number:
        raise invalid("Missing required param: card[number].", code="parameter_missing", param="card[number]")
    if not number.isdigit() or not 12 <= len(number) <= 19 or luhn_digit(number[:-1]) != number[-1]:
        raise card_error("Your card number is incorrect.", "incorrect_number", None, param="number")
    year = params.get("exp_year", now_year + 1)
    year += 2000 if year < 100 else 0
    if not 1 <= params.get("exp_month", 12) <= 12:
        raise card_error("Your card's expiration month is invalid.", "invalid_expiry_month", None, param="exp_month")
    if year < now_year:
        raise card_error("Your card's expiration year is invalid.", "invalid_expiry_year", None, param="exp_year")
    behaviour = TEST_CARDS[number][1] if number in TEST_CARDS else SUCCESS
    return Card(number, params.get("exp_month", 12), year, behaviour)


def named(name: str, now_year: int) -> Card | None:
    """The published test card that `pm_card_<name>` and `tok_<name>` stand for."""
    number = BY_NAME.get(name)
    return Card(number, 12, now_year + 1, TEST_CARDS[number][1]) if number else None


def decline_fields(decline_code: str) -> dict[str, str]:
    """`code`, `decline_code` and `message` of a refusal by the card's bank. ValueError for a code not in DECLINES."""
    if decline_code not in DECLINES:
        raise ValueError(f"no card is declined with {decline_code!r} here; choose one of {', '.join(DECLINES)}")
    code = decline_code if decline_code in OWN_CODE else "card_declined"
    return {"code": code, "decline_code": decline_code, "message": DECLINES[decline_code]}
