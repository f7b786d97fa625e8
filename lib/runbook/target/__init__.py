"""Where: one environment, read from `parameters/targets/NAME.yaml` and validated as a whole.

Any value may be `env:NAME`. Secrets must be; they are held by name and revealed by the wire that needs them, so that
write credentials are read by `repair` alone and no secret ever lies in a parameter, an output or a traceback.
"""

from runbook.target.read import NAME, TARGETS, convert, load
from runbook.target.secret import NO_SECRET, Held, Secret
from runbook.target.shape import (
    About,
    Application,
    Columns,
    Deploy,
    Escalation,
    Events,
    Gateway,
    Ledger,
    Level,
    Limits,
    Messages,
    NewValues,
    Part,
    Paths,
    Policy,
    QueueVariables,
    Service,
    Target,
    Thresholds,
    Users,
    Variables,
)

__all__ = [
    "NAME",
    "NO_SECRET",
    "TARGETS",
    "About",
    "Application",
    "Columns",
    "Deploy",
    "Escalation",
    "Events",
    "Gateway",
    "Held",
    "Ledger",
    "Level",
    "Limits",
    "Messages",
    "NewValues",
    "Part",
    "Paths",
    "Policy",
    "QueueVariables",
    "Secret",
    "Service",
    "Target",
    "Thresholds",
    "Users",
    "Variables",
    "convert",
    "load",
]
