"""The ledger: a reader, and a writer for repair."""

from runbook.wires.ledger.mapping import near
from runbook.wires.ledger.reader import LedgerIdentity, LedgerReader, Privileges
from runbook.wires.ledger.writer import LedgerWriter, RowChange

__all__ = ["LedgerIdentity", "LedgerReader", "LedgerWriter", "Privileges", "RowChange", "near"]
