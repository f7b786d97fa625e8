"""The far end of the deployment wire: Dokploy, as far as a practice world needs it."""

from practice.wires.deploy.board import Board, Deployment
from practice.wires.deploy.facade import Facade

__all__ = ["Board", "Deployment", "Facade"]
