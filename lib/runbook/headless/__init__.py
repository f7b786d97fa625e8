"""Running notebooks without a person: parameters checked, cells bounded in time, success by the journal alone."""

import sys

from runbook.headless.execution import Prepared, Run, accept, carry_out, enter, prepare, run
from runbook.headless.kernels import Kernels
from runbook.headless.parameters import NOTEBOOKS, notebook_path, parameter_file, suggestion
from runbook.headless.standby import next_approved, open_plans

__all__ = ["NOTEBOOKS", "Kernels", "Prepared", "Run", "accept", "carry_out", "enter", "next_approved", "notebook_path",
           "open_plans", "parameter_file", "prepare", "run", "suggestion"]  # fmt: skip

# jsonschema, which notebook libraries import, compiles two grammars of rare string formats: a second that nobody here
# needs, and does without when their package cannot be imported.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
