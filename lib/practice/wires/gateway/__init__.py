"""The far end of the gateway wire: Stripe's HTTP API, simulated.

A simulator, checked against the SDK's types and never against live Stripe. What it serves it serves as Stripe does;
what it does not model it refuses.
"""

from .cards import ordinary_number
from .errors import ApiError
from .faults import Fault
from .keys import KeyRing
from .routing import routes
from .server import Gateway
from .webhooks import Attempt, Disturbance

__all__ = ["ApiError", "Attempt", "Disturbance", "Fault", "Gateway", "KeyRing", "ordinary_number", "routes"]
