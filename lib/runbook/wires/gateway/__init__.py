"""The gateway (Stripe): a reader, and a writer for repair."""

from runbook.wires.gateway.client import shape
from runbook.wires.gateway.probe import KeyProbe
from runbook.wires.gateway.reader import GatewayReader, KeyCheck
from runbook.wires.gateway.status_page import StatusPage
from runbook.wires.gateway.writer import GatewayWriter

__all__ = ["GatewayReader", "GatewayWriter", "KeyCheck", "KeyProbe", "StatusPage", "shape"]
