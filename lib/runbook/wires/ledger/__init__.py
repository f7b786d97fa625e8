"""The ledger: a reader, and a writer for repair."""

from runbook.wires.ledger.reader import LedgerIdentity, LedgerReader, Privileges

__all__ = ["LedgerIdentity", "LedgerReader", "Privileges"]
