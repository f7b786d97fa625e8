"""Between the service and its database: are its transactions kept, and does the database answer at all?"""

from __future__ import annotations

from dataclasses import replace

from runbook.facts import Answer, Evidence, Finding, cannot_tell
from runbook.judgement.log_summary import LogSummary
from runbook.judgement.triage.logs import CAUSE_OF_CLASSES, absent_from_logs, counted, states

NO_CONNECTION = CAUSE_OF_CLASSES["database_unavailable"]
DATABASE_ERRORS = CAUSE_OF_CLASSES["database_rollback"]
# A pool loses some connections at every failover and deployment; more than this, and until now, is a database away.
CONNECTIONS_LOST_MIN = 10
# So many errors of the database that no webhook was lost to are an everyday matter.
MENDED_MAX = 5


def transactions_are_kept(logs: LogSummary, log: Evidence) -> Finding:
    """An error of the database that was met by a webhook which a later try recorded has lost nothing, and a few met
    by somebody who merely looked have neither."""
    what = "rolled-back transaction and no crash of the service"
    found = absent_from_logs(logs, log, "database_rollback", DATABASE_ERRORS, what)
    lost = logs.unmended(*DATABASE_ERRORS) + len(logs.skipped) * bool(logs.lines("process_crash"))
    if found.implicates and not lost and logs.lines(*DATABASE_ERRORS) <= MENDED_MAX and logs.processed:
        because = f"but for {counted(logs, DATABASE_ERRORS)}, and no webhook was lost to it"
        return Finding(found.statement, Answer.HOLDS, because, clears=("database_rollback",), evidence=(log,))
    if found.implicates and logs.lines(*DATABASE_ERRORS) == logs.lines(*NO_CONNECTION):
        # A transaction that never began was not rolled back, where nothing else begins one either.
        return replace(found, implicates=("database_rollback", "database_unavailable"), shared=True)
    return found


def database_answers(logs: LogSummary, log: Evidence, sides: Evidence) -> Finding:
    """A database that is away is named by a failing health check, or by errors that go on while the check, which need
    not ask the database, passes."""
    statement = "The service reaches its database."
    if not sides.readable:
        return cannot_tell(statement, sides)
    state = states(sides)
    passes = state.get("service") == "up"
    health = "its health check passes" if passes else "its health check does not pass"
    lost = logs.lines(*NO_CONNECTION)
    told = [f"{lost:,} lost connections in its logs, {logs.show_last(*NO_CONNECTION)}"] if lost else []
    goes_on = logs.is_going_on(*NO_CONNECTION) and (not passes or lost >= CONNECTIONS_LOST_MIN)
    signs = told if goes_on else []
    if not passes and state.get("ledger") == "down":
        signs = [*signs, "the ledger does not answer us either"]
    if signs:
        return Finding(statement, Answer.DOES_NOT_HOLD, "; ".join([health, *signs]),
                       implicates=("database_unavailable",), evidence=(sides, log), weight=lost,
                       span=logs.span(*NO_CONNECTION))  # fmt: skip
    if not passes:
        because = f"{health}, and nothing says that its database is the reason"
        return Finding(statement, Answer.CANNOT_TELL, because, evidence=(sides, log))
    because = "; ".join([health, *told])
    return Finding(statement, Answer.HOLDS, because, clears=("database_unavailable",), evidence=(sides, log))
