"""Who buys, with what, for how much. Everything here is invented, and follows from one random generator."""

from dataclasses import dataclass
from random import Random

FIRST = """
Aiko Amara Amelia Anders Beatriz Bruno Camille Carlos Chidi Clara Daniel Elena Emeka Eva Farah Felix Freya Grace
Hannah Haruto Henrik Ines Isabel Jakub Jonas Julia Kamala Karim Lea Liam Lina Lucas Mara Marco Mei Mia Mikkel Nadia
Noah Nora Oliver Omar Oscar Paula Pedro Priya Quinn Rafael Ren Rosa Samuel Sara Sofia Tariq Theo Uma Victor Wei
Yara Yuki Zofia
"""
LAST = """
Abara Almeida Andersson Baker Bauer Becker Berg Bianchi Brown Costa Cruz Dahl Dubois Eriksen Evans Fischer Fontaine
Garcia Gupta Haas Hansen Hughes Ito Ivanov Jansen Jones Kaya Keller Khan Kimura Kowalski Kumar Lang Larsen Lee Lopez
Martin Mendes Meyer Moreau Mori Nakamura Nguyen Novak Okafor Olsen Patel Pereira Reyes Ricci Rossi Sato Schmidt
Silva Singh Smith Tanaka Taylor Torres Vogel Walker Weber Wilson Yamada Zhang
"""
FIRST_NAMES, LAST_NAMES = tuple(FIRST.split()), tuple(LAST.split())
CURRENCY_SHARES = {"usd": 48, "eur": 30, "gbp": 15, "jpy": 7}

# Prices in minor units. The yen has none, so 4,980 yen is written 4980: the classic factor of 100 lies in wait here.
PRICES = {
    "usd": (4_99, 9_99, 14_99, 19_00, 29_00, 39_95, 49_00, 79_00, 99_00, 149_00, 249_00, 499_00),
    "eur": (4_90, 9_90, 14_90, 19_90, 29_90, 39_90, 49_90, 79_90, 99_00, 149_00, 229_00, 449_00),
    "gbp": (3_99, 8_99, 12_50, 17_00, 25_00, 34_99, 45_00, 69_00, 89_00, 129_00, 199_00),
    "jpy": (480, 980, 1480, 1980, 2980, 3980, 4980, 7980, 9800, 14800, 24800),
}
PRICE_WEIGHTS = (12, 16, 14, 12, 12, 9, 8, 6, 5, 3, 2, 1)
# Published by Stripe; a payment with one of them always succeeds in test mode, and moves no money.
TEST_CARDS = ("4242424242424242", "4000056655665556", "5555555555554444", "6011111111111117")
SHIPPING = {"usd": (0, 0, 4_95, 9_95), "eur": (0, 0, 3_90, 6_90), "gbp": (0, 0, 2_99, 4_99), "jpy": (0, 0, 350, 800)}


@dataclass(frozen=True, slots=True)
class Person:
    """`registered_at` in unix seconds; `card` an ordinary number that passes the Luhn check, never a published one."""

    user_id: str
    email: str
    name: str
    currency: str
    registered_at: float
    card: str


def person(random: Random, number: int, registered_at: float) -> Person:
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    currency = random.choices(list(CURRENCY_SHARES), list(CURRENCY_SHARES.values()))[0]
    return Person(
        user_id=f"usr_{random.getrandbits(80):020x}",
        email=f"{first}.{last}.{number}@customers.example".lower(),
        name=f"{first} {last}",
        currency=currency,
        registered_at=round(registered_at, 3),
        card=card_number(random),
    )


def price(random: Random, currency: str) -> int:
    prices = PRICES[currency]
    return random.choices(prices, PRICE_WEIGHTS[: len(prices)])[0] + random.choice(SHIPPING[currency])


def card_in(mode: str, who: Person) -> str:
    """The card that somebody pays with: in test mode Stripe takes none but the numbers that it publishes."""
    return who.card if mode == "live" else TEST_CARDS[int(who.card[-1]) % len(TEST_CARDS)]


def card_number(random: Random) -> str:
    prefix = random.choice(("45", "47", "49", "51", "52", "53", "54"))
    digits = [int(digit) for digit in prefix] + [random.randrange(10) for _ in range(13)]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-1::-2])
    plain = sum(digits[-2::-2])
    return "".join(map(str, [*digits, -(doubled + plain) % 10]))
