"""The deployment (Dokploy): a reader of what is stored for the service, and a writer for repair."""

from runbook.wires.deploy.reader import Deployed, DeployReader, Stored
from runbook.wires.deploy.writer import DeployWriter

__all__ = ["DeployReader", "DeployWriter", "Deployed", "Stored"]
