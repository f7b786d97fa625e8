"""Kernels as forks of one process that has imported already: a notebook then starts in milliseconds, not in seconds.

`ForkServer` is the runbook's end; `serve` runs in a process of its own, which ends when its standard input does. Only
where forking a process with loaded libraries is sound, which macOS does not promise.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

from runbook.errors import CannotLook

POSSIBLE = sys.platform == "linux"
# What the first notebook needs, and what the later ones draw and count with; imported in this order.
FIRST = ("ipykernel.kernelapp", "IPython.core.completer", "runbook.display.notebook")
LATER = ("matplotlib.pyplot", "pandas", "duckdb", "runbook.wires.gateway", "runbook.wires.ledger",
         "runbook.wires.containers", "runbook.wires.service")  # fmt: skip


class ForkServer:
    """Bears kernels on demand. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # In a session of its own, so that Ctrl-C reaches the runbook alone, which then ends its kernels in good order.
        self._server = subprocess.Popen(
            [sys.executable, "-P", "-c", f"from {__name__} import serve; serve()"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1, start_new_session=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # a process with threads is not forked
        )  # fmt: skip

    def fork(self, command: Sequence[str], cwd: str) -> Forked:
        """A process that runs the kernel of this command line (`… -f CONNECTION_FILE`). Raises CannotLook."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        order = {"arguments": list(command[command.index("-f") :]), "cwd": cwd}
        try:
            with self._lock:
                self._server.stdin.write(json.dumps(order) + "\n")
                return Forked(int(self._server.stdout.readline()))
        except (OSError, ValueError):
            raise CannotLook(
                "The process that starts kernels ended. Look whether this machine is short of memory, then run again."
            ) from None

    def kill(self) -> None:
        """End at once; kernels follow by themselves, as children follow a parent."""
        self._server.kill()

    def close(self) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with contextlib.suppress(OSError):
            self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()


class Forked:
    """What a kernel manager asks of a process, for one that is not its child."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle = os.pidfd_open(pid)  # stays with this process, also when its number is given to another

    def poll(self) -> int | None:
        """None while it runs; how it ended is for the fork server to know."""
        return 0 if select.select([self._handle], [], [], 0)[0] else None

    def wait(self) -> int:
        select.select([self._handle], [], [])
        os.close(self._handle)
        return 0

    def send_signal(self, number: int) -> None:
        signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def provisioner(manager: Any, server: ForkServer) -> Any:
    """How this kernel manager is to start its kernel."""
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner

    class Forking(LocalProvisioner):
        async def launch_kernel(self, cmd: list[str], **settings: Any) -> Any:
            self.process = server.fork(cmd, str(settings["cwd"]))
            self.pid = self.pgid = self.process.pid
            return self.connection_info

    return Forking(kernel_id=manager.kernel_id, kernel_spec=manager.kernel_spec, parent=manager)


def serve() -> None:
    """Read an order a line, answer each with a process number."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the kernels here
    load(FIRST)
    loaded = False
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            become_kernel(**order)
        print(pid, flush=True)
        if not loaded:
            load(LATER)
            loaded = True


def load(names: Sequence[str]) -> None:
    for name in names:
        importlib.import_module(name)


def become_kernel(arguments: list[str], cwd: str) -> None:
    """The rest of this process's life is a kernel's; it ends with the fork server, as a child with its parent."""
    from ipykernel import kernelapp

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.chdir(cwd)
    try:
        kernelapp.launch_new_instance(argv=[*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])
    finally:
        os._exit(0)
