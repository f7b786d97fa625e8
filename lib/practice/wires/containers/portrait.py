"""What the Docker Engine API says about a process: the bodies of inspect and list."""

import hashlib
from typing import Any

from practice.wires.containers.definition import State
from practice.wires.containers.log import stamp
from practice.wires.containers.process import Process
from practice.wires.containers.version import architecture

# Docker's word for a moment that has not come.
NEVER = "0001-01-01T00:00:00Z"
MINUTE, HOUR, DAY = 60, 3600, 86400


def container(process: Process) -> dict[str, Any]:
    """The body of GET /containers/{id}/json."""
    definition, state = process.definition, process.state
    return {
        "Id": process.id,
        "Created": stamp(definition.created_at),
        "Path": definition.command[0],
        "Args": list(definition.command[1:]),
        "State": _state(state),
        "Image": image_id(definition.image),
        "ResolvConfPath": "",
        "HostnamePath": "",
        "HostsPath": "",
        "LogPath": str(process.log.path),
        "Name": f"/{process.container_name}",
        "RestartCount": state.restart_count,
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": None,
        "HostConfig": _host_config(process),
        "Mounts": [],
        "Config": _config(process),
        "NetworkSettings": {"Ports": {}, "Networks": {"host": _network()}},
    }


def summary(process: Process, now: float) -> dict[str, Any]:
    """One row of GET /containers/json; `now` in unix seconds."""
    definition, state = process.definition, process.state
    return {
        "Id": process.id,
        "Names": [f"/{process.container_name}"],
        "Image": definition.image,
        "ImageID": image_id(definition.image),
        "Command": " ".join(definition.command),
        "Created": int(definition.created_at),
        "Ports": [],
        "Labels": labels(process),
        "State": state.status,
        "Status": _status_text(state, now),
        "HostConfig": {"NetworkMode": "host"},
        "NetworkSettings": {"Networks": {"host": _network()}},
        "Mounts": [],
    }


def image(name: str, created_at: float) -> dict[str, Any]:
    """The body of GET /images/{name}/json."""
    return {
        "Id": image_id(name),
        "RepoTags": [name],
        "RepoDigests": [],
        "Created": stamp(created_at),
        "Architecture": architecture(),
        "Os": "linux",
        "Size": 0,
        "Config": {"Labels": None},
        "RootFS": {"Type": "layers"},
    }


def labels(process: Process) -> dict[str, str]:
    """The labels as given, and those of a Swarm task."""
    service_id = hashlib.sha256(b"service" + process.name.encode()).hexdigest()[:25]
    return {
        "com.docker.swarm.node.id": hashlib.sha256(b"node").hexdigest()[:25],
        "com.docker.swarm.service.id": service_id,
        "com.docker.swarm.service.name": process.name,
        "com.docker.swarm.task": "",
        "com.docker.swarm.task.id": process.definition.task_id,
        "com.docker.swarm.task.name": process.container_name,
        **process.definition.labels,
    }


def image_id(name: str) -> str:
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def _state(state: State) -> dict[str, Any]:
    return {
        "Status": state.status,
        # Docker calls a container that waits for its restart running as well.
        "Running": state.status in ("running", "restarting"),
        "Paused": False,
        "Restarting": state.status == "restarting",
        "OOMKilled": False,
        "Dead": False,
        "Pid": state.pid or 0,
        "ExitCode": state.exit_code or 0,
        "Error": state.error,
        "StartedAt": NEVER if state.started_at is None else stamp(state.started_at),
        "FinishedAt": NEVER if state.finished_at is None else stamp(state.finished_at),
    }


def _config(process: Process) -> dict[str, Any]:
    definition = process.definition
    return {
        "Hostname": process.id[:12],
        "Domainname": "",
        "User": "",
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "Tty": False,
        "OpenStdin": False,
        "StdinOnce": False,
        "Env": [f"{name}={value}" for name, value in definition.environment.items()],
        "Cmd": list(definition.command),
        "Image": definition.image,
        "Volumes": None,
        "WorkingDir": str(process.directory),
        "Entrypoint": None,
        "OnBuild": None,
        "Labels": labels(process),
    }


def _host_config(process: Process) -> dict[str, Any]:
    return {
        "Binds": None,
        "LogConfig": {"Type": "json-file", "Config": {}},
        "NetworkMode": "host",
        "PortBindings": {},
        "RestartPolicy": {"Name": process.definition.restart, "MaximumRetryCount": 0},
        "AutoRemove": False,
        "Privileged": False,
        "Memory": 0,
        "NanoCpus": 0,
    }


def _network() -> dict[str, Any]:
    return {"IPAMConfig": None, "Links": None, "Aliases": None, "NetworkID": "", "EndpointID": "", "Gateway": "",
            "IPAddress": "", "IPPrefixLen": 0, "MacAddress": ""}  # fmt: skip


def _status_text(state: State, now: float) -> str:
    started, finished = state.started_at or now, state.finished_at or now
    match state.status:
        case "running":
            return f"Up {_duration(now - started)}"
        case "restarting":
            return f"Restarting ({state.exit_code}) {_duration(now - finished)} ago"
        case "exited":
            return f"Exited ({state.exit_code}) {_duration(now - finished)} ago"
        case _:
            return "Created"


def _duration(seconds: float) -> str:
    """A length of time in Docker's words."""
    if seconds < 1:
        return "Less than a second"
    if seconds < MINUTE:
        return "1 second" if int(seconds) == 1 else f"{int(seconds)} seconds"
    if seconds < HOUR:
        return "About a minute" if int(seconds / MINUTE) == 1 else f"{int(seconds / MINUTE)} minutes"
    if seconds < 2 * DAY:
        hours = round(seconds / HOUR)
        return "About an hour" if hours == 1 else f"{hours} hours"
    days = int(seconds / DAY)
    return f"{days} days" if days < 14 else f"{days // 7} weeks"
