"""Row images in canonical values: how a guard compares them, and how they become the table's own values again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psycopg.sql import SQL, Composable, Placeholder

from runbook import money
from runbook.errors import BadInput
from runbook.target import Ledger
from runbook.wires.ledger.mapping import Words
from runbook.wires.ledger.session import Cursor

TIME_KEYS = ("created_at", "updated_at", "confirmation_sent_at")
KEYS = ("intent_id", "user_id", "amount", "currency", "status", "order_key", "failure_reason", *TIME_KEYS)
SETTABLE_TIMES = {"timestamptz": SQL("{}::timestamptz"), "timestamp": SQL("({}::timestamptz AT TIME ZONE 'UTC')")}

Found = Mapping[str, Any] | None


class Images:
    """Images of one mapped table."""

    def __init__(self, settings: Ledger, words: Words) -> None:
        self.words = words
        self._settings = settings
        self._upper_currency = False

    def check(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """Raise BadInput for an image that this table cannot have."""
        if not old and not new:
            raise BadInput("A row change needs an old or a new image; both are empty.")
        for key, value in (*old.items(), *new.items()):
            if key not in KEYS:
                raise BadInput(f"`{key}` is no column of a row image; there are: {', '.join(KEYS)}.")
            if not self.words.mapped(key) and not (key == "currency" and self._settings.currency):
                raise BadInput(f"The row image names `{key}`, and the target maps no column for it.")
            if key == "amount" and (not isinstance(value, int) or isinstance(value, bool)):
                raise BadInput(f"The amount of a row image is a whole number of minor units, not `{value}`.")
            if key in TIME_KEYS and value is not None:
                _instant(key, value)

    def learn(self, cursor: Cursor) -> None:
        """See in which case the table writes its currencies, so that ours look like its own."""
        if self.words.mapped("currency"):
            column = self.words.column("currency")
            query = SQL("SELECT {0}::text AS word FROM {1} WHERE {0} IS NOT NULL LIMIT 1").format(
                column, self.words.table
            )
            row = cursor.execute(query, {}).fetchone()
            self._upper_currency = bool(row and row["word"].isupper())

    def guard(self, row_id: str, old: Mapping[str, Any]) -> tuple[Composable, dict[str, Any]]:
        """A condition that only the row with exactly this image meets; NULL equals NULL."""
        parts = [SQL("{} = {}").format(self.words.column("id"), Placeholder("row_id"))]
        parameters: dict[str, Any] = {"row_id": row_id}
        for key, value in old.items():
            name = f"old_{key}"
            parts.append(
                SQL("{} IS NOT DISTINCT FROM {}::{}").format(self.words.image(key), Placeholder(name), _type(key))
            )
            parameters[name] = value
        return SQL(" AND ").join(parts), parameters

    def assignments(
        self, values: Mapping[str, Any], image: Mapping[str, Any], at: datetime, also: tuple[str, ...] = ()
    ) -> tuple[list[Composable], list[Composable], dict[str, Any]]:
        """Columns, value expressions and parameters to set `values` in a row of `image`; `updated_at` and `also` are
        set to `at` unless given."""
        given = {
            key: value for key, value in values.items() if self.words.mapped(key) and not (key == "id" and not value)
        }
        for key in ("updated_at", *also):
            if self.words.mapped(key) and key not in given and self.words.type(key) in SETTABLE_TIMES:
                given[key] = at.isoformat()
        columns = [self.words.column(key) for key in given]
        expressions = [self._expression(key) for key in given]
        return columns, expressions, {f"new_{key}": self._own(key, value, image) for key, value in given.items()}

    def look(self, cursor: Cursor, row_id: str, keys: Mapping[str, Any]) -> Found:
        """The row's current image over `keys`, None when it is not there."""
        if not row_id:
            return None
        condition = SQL("{} = {}").format(self.words.column("id"), Placeholder("row_id"))
        return cursor.execute(self._select(keys, condition), {"row_id": row_id}).fetchone()

    def look_for_intent(self, cursor: Cursor, new: Mapping[str, Any]) -> Found:
        """The image of a row that has the intent already, None when there is none."""
        if not new.get("intent_id"):
            return None
        condition = SQL("{} = {}").format(self.words.image("intent_id"), Placeholder("intent"))
        return cursor.execute(self._select(new, condition), {"intent": new["intent_id"]}).fetchone()

    def _select(self, keys: Mapping[str, Any], condition: Composable) -> Composable:
        named = [SQL("{} AS {}").format(self.words.image(key), SQL(key)) for key in keys]  # type: ignore[arg-type]
        return SQL("SELECT {} FROM {} WHERE {}").format(SQL(", ").join(named), self.words.table, condition)

    def equal(self, found: Found, image: Mapping[str, Any]) -> bool:
        """Whether the row found is as the image says; an empty image means that there is no row."""
        if not image:
            return found is None
        return found is not None and all(_same(key, found[key], value) for key, value in image.items())

    def difference(self, found: Mapping[str, Any], image: Mapping[str, Any]) -> str:
        """`status is FAILED, the plan saw PENDING`."""
        parts = [
            f"{key} is {_shown(found[key])}, the plan saw {_shown(value)}"
            for key, value in image.items()
            if not _same(key, found[key], value)
        ]
        return "the row moved: " + "; ".join(parts) if parts else "the row is held by somebody else"

    def _expression(self, key: str) -> Composable:
        placeholder = Placeholder(f"new_{key}")
        if key not in TIME_KEYS:
            return placeholder
        form = SETTABLE_TIMES.get(self.words.type(key))
        if form is None:
            raise BadInput(
                f"Column `{key}` keeps its times as {self.words.type(key)}; the runbook does not write those."
            )
        return form.format(placeholder)

    def _own(self, key: str, value: Any, image: Mapping[str, Any]) -> Any:
        """A canonical value as the table writes it."""
        if key == "currency" and isinstance(value, str):
            return value.upper() if self._upper_currency else value
        if key == "amount" and self._settings.amount_unit == "major":
            currency = image.get("currency") or self._settings.currency
            if not currency:
                raise BadInput("A new amount in major units needs its currency in the same image.")
            return Decimal(value).scaleb(-money.exponent(currency))
        return value


def _type(key: str) -> Composable:
    return SQL("timestamptz" if key in TIME_KEYS else "bigint" if key == "amount" else "text")


def _instant(key: str, value: Any) -> datetime:
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise BadInput(f"`{key}` of a row image is an ISO time with an offset, not `{value}`.")
    return moment.astimezone(UTC)


def _same(key: str, found: Any, value: Any) -> bool:
    if key in TIME_KEYS and found is not None and value is not None:
        return _instant(key, found) == _instant(key, value)
    return found == value


def _shown(value: Any) -> str:
    return "nothing" if value is None else f"{value}"
