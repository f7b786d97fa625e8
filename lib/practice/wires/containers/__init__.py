"""The far end of the containers wire: a supervisor of the world's processes, and a Docker Engine API in front of it.

The runbook speaks to it with the official docker SDK, exactly as it would to a real engine.
"""

from practice.wires.containers.definition import ContainerError
from practice.wires.containers.facade import Facade
from practice.wires.containers.log import Entry, Log
from practice.wires.containers.process import Process
from practice.wires.containers.supervisor import Supervisor

__all__ = ["ContainerError", "Entry", "Facade", "Log", "Process", "Supervisor"]
