"""Idempotency keys: the first answer is kept and given again."""

from dataclasses import dataclass

from . import errors

KEY_LENGTH_MAX = 255
# Stripe may forget a key once it is a day old; so do we, lest somebody rely on more.
KEPT_SECONDS = 86_400


@dataclass
class Answer:
    """The first answer to a key; `body` is None while it is being worked out."""

    fingerprint: bytes
    begun_at: int
    request_id: str
    status: int = 0
    body: bytes | None = None


class Idempotency:
    """Answers by (mode, key). Used by the HTTP thread alone."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], Answer] = {}

    def begin(self, mode: str, key: str, fingerprint: bytes, request_id: str, now: int) -> Answer | None:
        """The kept answer, or None: go on, and then `finish` or `abandon`. Raises ApiError 400 or 409."""
        if len(key) > KEY_LENGTH_MAX:
            raise errors.invalid(f"Idempotency keys can be up to {KEY_LENGTH_MAX} characters long.")
        kept = self._answers.get((mode, key))
        if kept is None or (kept.body is not None and now - kept.begun_at >= KEPT_SECONDS):
            self._answers[mode, key] = Answer(fingerprint, now, request_id)
            return None
        if kept.fingerprint != fingerprint:
            raise errors.idempotency_mismatch(key)
        if kept.body is None:
            raise errors.idempotency_in_use(key)
        return kept

    def finish(self, mode: str, key: str, status: int, body: bytes) -> None:
        answer = self._answers[mode, key]
        answer.status, answer.body = status, body

    def abandon(self, mode: str, key: str) -> None:
        """Nothing was carried out: the key may be used again."""
        del self._answers[mode, key]
