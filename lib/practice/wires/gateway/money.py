"""Amounts in minor units: which currencies there are, what is too little, and what Stripe keeps."""

from .errors import invalid


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Currencies that have no minor unit on Stripe's wire: 500 jpy is five hundred yen.
ZERO_DECIMAL = _codes("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf")
# Three decimals on the wire; the last digit must be 0.
THREE_DECIMAL = _codes("bhd jod kwd omr tnd")

TWO_DECIMAL = _codes(
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop "
    "crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl hrk htg huf idr ils inr isk jmd kes "
    "kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab "
    "pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah "
    "uyu uzs wst xcd yer zar zmw")

CURRENCIES = TWO_DECIMAL | ZERO_DECIMAL | THREE_DECIMAL

# The smallest charge, where it is not 50 minor units (Stripe's table of minimum amounts).
MINIMUM = {"gbp": 30, "dkk": 250, "nok": 300, "sek": 300, "czk": 15_00, "huf": 175_00, "mxn": 10_00, "pln": 200,
           "hkd": 400, "thb": 10_00, "aed": 200, "ron": 200, "myr": 200, "krw": 100, "kwd": 150, "bhd": 190}
AMOUNT_MAX = 99_999_999

# Stripe keeps a share and a fixed part. 2.9 % + 30 is the list price of an ordinary card in the United States; the
# fixed part is worth about that much elsewhere. The books need a fee that is not zero, not one that is up to date.
SHARE_PER_MILLE = 29
FIXED = {"gbp": 20, "jpy": 40, "krw": 400, "dkk": 180, "nok": 200, "sek": 180}
FIXED_DEFAULT = 30
DISPUTE_FEE = {"jpy": 1_500, "krw": 15_000}
DISPUTE_FEE_DEFAULT = 15_00


def fee(amount: int, currency: str) -> int:
    """What Stripe keeps of a charge, in minor units, rounded half up."""
    if currency in ZERO_DECIMAL and currency not in FIXED:
        return (amount * SHARE_PER_MILLE + 500) // 1000
    return (amount * SHARE_PER_MILLE + 500) // 1000 + FIXED.get(currency, FIXED_DEFAULT)


def dispute_fee(currency: str) -> int:
    return DISPUTE_FEE.get(currency, DISPUTE_FEE_DEFAULT)


def check(amount: int, currency: str) -> None:
    """Raise ApiError 400 unless a card may be charged `amount` of `currency`."""
    if currency not in CURRENCIES:
        raise invalid(f"Invalid currency: {currency}. Stripe currently supports these currencies: "
                      f"{', '.join(sorted(CURRENCIES))}", param="currency")
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", code="parameter_invalid_integer",
                      param="amount")
    least = MINIMUM.get(currency, 50)
    if amount < least:
        raise invalid(f"Amount must be at least {least} {currency} in its smallest unit", code="amount_too_small",
                      param="amount")
    if amount > AMOUNT_MAX:
        raise invalid(f"Amount must be no more than {AMOUNT_MAX} {currency} in its smallest unit",
                      code="amount_too_large", param="amount")
    if currency in THREE_DECIMAL and amount % 10:
        raise invalid(f"Invalid amount for {currency}: the last digit must be 0", param="amount")
