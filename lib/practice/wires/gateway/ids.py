"""Object ids that look like Stripe's and follow from the seed alone."""

from collections import Counter
from hashlib import blake2b

ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# One byte of a digest becomes one letter by table: history needs some 20,000 ids and this is the cheapest way there.
LETTER = bytes(ALPHABET[value % len(ALPHABET)] for value in range(256))

# How long the part after the prefix is, where it is not the usual 24.
LENGTHS = {"cus": 14, "req": 14, "acct": 16, "whsec": 32}


def letters(material: str, length: int) -> str:
    """`length` letters and digits that follow from `material`; at most 64."""
    return blake2b(material.encode(), digest_size=length).digest().translate(LETTER).decode()


class Ids:
    """New ids of one key mode. Each prefix counts for itself, so that a new kind of object shifts no other id."""

    def __init__(self, seed: int, mode: str) -> None:
        self._stem = f"{seed}/{mode}"
        self._counts: Counter[str] = Counter()

    def new(self, prefix: str) -> str:
        """`prefix_…`, never given before by this object."""
        self._counts[prefix] += 1
        return f"{prefix}_{self.secret(prefix, self._counts[prefix], LENGTHS.get(prefix, 24))}"

    def secret(self, purpose: str, number: int, length: int) -> str:
        """Letters for something that is not an object id, such as the tail of a client secret."""
        return letters(f"{self._stem}/{purpose}/{number}", length)
