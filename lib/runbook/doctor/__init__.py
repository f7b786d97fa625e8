"""What can be reached from here, as which role, and what of the target file does not fit. Changes nothing."""

from __future__ import annotations

from runbook.doctor.examination import Examination, table, to_json
from runbook.doctor.visit import examine

__all__ = ["Examination", "examine", "table", "to_json"]
