"""Two engines with the same container in them, for tests of who reads them: the practice façade, and podman."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from practice.wires.containers import Facade, Supervisor

READER_COMMAND = ["/bin/sh", "-c", "echo listening; echo no cache >&2; echo '  at warm' >&2; exec /bin/sleep 1000"]
PODMAN = ["--runtime", "runc", "--storage-driver=vfs", "--cgroup-manager=cgroupfs"]


def containers_of_facade(directory: Path) -> Iterator[docker.DockerClient]:
    with Supervisor(directory) as supervisor:
        supervisor.run("shop-api", "shop-api:1", READER_COMMAND, {"SECRET": "a b=c"}, {"app": "shop"})
        facade = Facade(supervisor)
        client = docker.DockerClient(base_url=facade.start())
        yield client
        client.close()
        facade.stop()


def containers_of_podman(_: Path) -> Iterator[docker.DockerClient]:
    # podman refuses a --runroot of more than 50 characters, which pytest's directories soon have.
    with tempfile.TemporaryDirectory(prefix="podman-") as short:
        yield from containers_of_podman_in(Path(short))


def containers_of_podman_in(directory: Path) -> Iterator[docker.DockerClient]:
    podman = ["podman", "--root", str(directory / "root"), "--runroot", str(directory / "run"), *PODMAN]
    subprocess.run([*podman, "import", "-q", root_filesystem(directory), "shop-api:1"], check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    service = subprocess.Popen([*podman, "system", "service", "--time=0", f"tcp://127.0.0.1:{port}"])
    try:
        client = until(lambda: connected(f"tcp://127.0.0.1:{port}"), "podman's service")
        container = client.containers.run(
            "shop-api:1", READER_COMMAND, name="shop-api.1.x", environment={"SECRET": "a b=c"}, labels={"app": "shop"},
            network_mode="host", detach=True, restart_policy={"Name": "always"},
            ulimits=[docker.types.Ulimit(name="nofile", soft=20000, hard=20000),
                     docker.types.Ulimit(name="nproc", soft=4096, hard=4096)],
        )  # fmt: skip
        try:
            yield client
        finally:
            container.remove(force=True)
            client.close()
    finally:
        service.terminate()
        service.wait()


def connected(address: str) -> docker.DockerClient | None:
    try:
        return docker.DockerClient(base_url=address)
    except docker.errors.DockerException:
        return None


def root_filesystem(directory: Path) -> Path:
    """A tarball with a shell, sleep and the libraries they need."""
    archive = directory / "root.tar"
    programs = ["/bin/sh", "/bin/sleep"]
    needed = subprocess.run(["ldd", *programs], check=True, capture_output=True, text=True).stdout
    with tarfile.open(archive, "w", dereference=True) as tar:
        for path in sorted({*programs, *re.findall(r"(/[^ :]+) \(", needed)}):
            tar.add(path)
    return archive


def until(condition: Callable[[], Any], what: str = "it") -> Any:
    deadline = time.monotonic() + 30
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.01)
    return value


ENGINES = ["facade", pytest.param("podman", marks=pytest.mark.podman)]


def containers_of(engine: str, directory: Path) -> contextlib.AbstractContextManager[docker.DockerClient]:
    """A client of the engine; skips where there is no podman."""
    if engine == "podman" and not (shutil.which("podman") and shutil.which("runc") and os.geteuid() == 0):
        pytest.skip("needs podman and runc, and to be root")
    return contextlib.contextmanager(containers_of_facade if engine == "facade" else containers_of_podman)(directory)
