"""Questions to the ledger: who are we there, does the mapping fit, and may we do no more than we should?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from runbook.doctor.examination import Examination, Told, ask, ok, wrong
from runbook.judgement import questions
from runbook.target import Ledger, Target
from runbook.wires.ledger import LedgerReader, near

# What other shops call the six states. Only suggested, never assumed: a wrong guess calls an unpaid order paid.
SYNONYMS = {
    "pending": "created processing new open initiated requires_payment_method requires_action requires_confirmation",
    "completed": "succeeded success successful paid settled captured complete done ok",
    "failed": "failure declined rejected error payment_failed",
    "refunded": "refund fully_refunded returned reversed",
    "disputed": "dispute chargeback charged_back",
    "canceled": "cancelled void voided expired abandoned timed_out",
}


def visit(target: Target) -> Iterator[Examination]:
    settings = target.ledger
    reader = LedgerReader(settings)
    look = partial(ask, "ledger")
    try:
        yield look("Does it answer?", lambda: identity(reader, settings))
        yield look("Can our read role only read?", lambda: read_role(reader))
        yield look("Are the mapped tables and columns there?", lambda: mapping(reader, settings))
        yield look("May the read role see them?", lambda: readable(reader, settings))
        yield look("Is every status word mapped?", lambda: status_words(reader, settings))
        yield look("Is there a write role for repairs?", lambda: write_role(settings))
    finally:
        reader.close()


def identity(reader: LedgerReader, settings: Ledger) -> Told:
    found = reader.identity()
    here = f"Postgres {found.server_version}, database {found.database}, role {found.role}"
    if found.database != settings.database:
        return wrong(
            f"the DSN leads to database {found.database}, the target names {settings.database}",
            "Correct `ledger.read_dsn`, or `ledger.database`.",
        )
    return ok(f"{here}, a standby (its rows may be late)" if found.in_recovery else here)


def read_role(reader: LedgerReader) -> Told:
    may = reader.privileges()
    if may.superuser:
        return wrong(
            f"{may.role} is a superuser", "Use a role with SELECT alone; our transactions are read-only anyway."
        )
    if may.writable:
        written = "; ".join(f"{table}: {', '.join(verbs)}" for table, verbs in sorted(may.writable.items()))
        return wrong(
            f"{may.role} may write ({written})", "Use a role with SELECT alone; our transactions are read-only anyway."
        )
    return ok(f"{may.role} may only read")


def mapping(reader: LedgerReader, settings: Ledger) -> Told:
    reader.check_mapping()
    keys = [key for key in settings.columns.__struct_fields__ if not getattr(settings.columns, key)]
    without = [key for key in keys if not (key == "currency" and settings.currency)]
    without += [name for name in ("users", "events") if getattr(settings, name) is None]
    return ok(f"{settings.schema}.{settings.table}" + (f", without {', '.join(without)}" if without else ""))


def readable(reader: LedgerReader, settings: Ledger) -> Told:
    may = reader.privileges()
    mapped = {
        settings.table: {name for key in settings.columns.__struct_fields__ if (name := getattr(settings.columns, key))}
    }
    for part in (settings.users, settings.events):
        if part is not None:
            names = {getattr(part, key) for key in part.__struct_fields__ if key != "table"}
            mapped.setdefault(part.table, set()).update(name for name in names if name)
    denied = [
        f"{table}.{name}"
        for table, names in mapped.items()
        for name in sorted(names.intersection(may.unreadable.get(table, ())))
    ]
    if denied:
        return wrong(f"{may.role} may not read {', '.join(denied)}", "GRANT SELECT on them to the role.")
    if may.rows_hidden:
        return wrong(
            f"row security may hide rows of {', '.join(may.rows_hidden)} from {may.role}",
            "Give the role a policy that shows every row: a hidden row looks like a missing payment.",
        )
    return ok("every mapped column")


def status_words(reader: LedgerReader, settings: Ledger) -> Told:
    unknown = reader.unknown_status_words()
    if not unknown:
        return ok(", ".join(word for words in settings.status.values() for word in words))
    listed = ", ".join(f"{word} ({rows:,} rows)" for word, rows in unknown[:10])
    hints = [f"{word} perhaps to `{state}`" for word, _ in unknown[:10] if (state := suggested(word, settings))]
    return wrong(f"not mapped: {listed}", f"Add each to `ledger.status`{': ' + ', '.join(hints) if hints else ''}.")


def suggested(word: str, settings: Ledger) -> str:
    """The state that the word may mean, empty when nothing is near."""
    plain = word.lower()
    for state, synonyms in SYNONYMS.items():
        mapped = [each.lower() for each in settings.status.get(state, ())]  # type: ignore[call-overload]
        if plain in {state, *synonyms.split(), *mapped}:
            return state
    by_word = {each: state for state, words in settings.status.items() for each in words}
    return by_word.get(near(word, by_word), "")


def write_role(settings: Ledger) -> Told:
    """Asks in a read-only transaction what the role may do; it does nothing."""
    if not settings.write_dsn:
        return ok("none is named: rows cannot be settled from here")
    reader = LedgerReader(settings, settings.write_dsn)
    try:
        found, may = reader.identity(), reader.privileges()
        audit = bool(reader.ask(questions.text("audit_table"))[0]["present"])
    finally:
        reader.close()
    if found.database != settings.database or found.in_recovery:
        where = "a standby" if found.in_recovery else f"database {found.database}"
        return wrong(f"the write DSN leads to {where}", f"Point it at the primary of {settings.database}.")
    verbs = may.writable.get(settings.table, ())
    if "UPDATE" not in verbs:
        return wrong(f"{may.role} may not UPDATE {settings.table}", "GRANT it, or name no write role at all.")
    if settings.audit == "schema" and not (audit or may.may_create_schema):
        return wrong(
            f"{may.role} may not create schema runbook", "GRANT CREATE on the database, or set `audit: journal`."
        )
    others = [table for table in may.writable if table != settings.table]
    more = f"; it may write {', '.join(others)}, too, which repairs never need" if others else ""
    return ok(f"{may.role} may {', '.join(verbs)} on {settings.table}{more}")
