"""Kernels ahead of time: the next notebook's starts and imports while the one before it still runs.

Each kernel serves one notebook and is fresh but for its imports, so nothing leaks from one notebook to the next. Where
the system allows it, several are forks of one process that imports once. A kernel is reached over sockets of this
user's own: over TCP, others on the host could read.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from runbook.errors import CannotLook
from runbook.headless import fork_server, parameters
from runbook.headless.fork_server import ForkServer

READY_SECONDS_MAX = 60
# What every notebook imports first; done silently, so that the notebook's own cells still count from one. A fork has
# imported it before there was a shell to show cards in.
AHEAD = "import runbook.display.notebook; runbook.display.notebook.show_cards()"

# What the notebook's runner talks to the kernel with. A blocking one would wait for a dead kernel's answer for ever.
CLIENT = "jupyter_client.asynchronous.AsyncKernelClient"


class Kernels:
    """At most `count` kernels, one after the other; use it as a context manager, which ends what was not needed."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._sockets = ""
        self._server = ForkServer() if count > 1 and fork_server.POSSIBLE else None
        self._aside = ThreadPoolExecutor(2)
        self._next: Future[Any] | None = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._server is not None and error is not None:
            self._server.kill()  # nobody waits for kernels that nobody will use
        if self._next is not None and self._next.exception() is None:
            end(self._next.result())
        self._aside.shutdown()
        if self._server is not None:
            self._server.close()
        if self._sockets:
            shutil.rmtree(self._sockets, ignore_errors=True)

    @contextmanager
    def kernel(self) -> Iterator[Any]:
        """A kernel manager whose kernel runs; the next one is begun at once, and this one is ended aside."""
        self._next = self._next or self._aside.submit(self._begin)
        try:
            manager = self._next.result()  # interrupted here, it is still ours to end
        except CannotLook:
            self._next = None
            raise
        self._next = self._start()
        try:
            yield manager
        finally:
            self._aside.submit(end, manager)

    def _start(self) -> Future[Any] | None:
        if self._left <= 0:
            return None
        self._left -= 1
        return self._aside.submit(self._begin)

    def _begin(self) -> Any:
        self._sockets = self._sockets or tempfile.mkdtemp(prefix="runbook-")
        return begin(self._sockets, self._server)


def begin(sockets: str, server: ForkServer | None) -> Any:
    """Start a kernel in the notebooks' folder and have it import what they all import. Raises CannotLook."""
    from jupyter_client.manager import KernelManager

    place = tempfile.mkdtemp(prefix="k", dir=sockets)
    manager = KernelManager(kernel_name="python3", transport="ipc", ip=f"{place}/s", client_class=CLIENT)
    if server is not None:
        manager.kernel_id = str(uuid.uuid4())
        manager.provisioner = fork_server.provisioner(manager, server)
    manager.start_kernel(cwd=str(parameters.NOTEBOOKS))
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=READY_SECONDS_MAX)
        client.execute(AHEAD, silent=True, reply=True, timeout=READY_SECONDS_MAX)
    except (RuntimeError, TimeoutError):
        end(manager)
        raise CannotLook(
            f"No kernel was ready within {READY_SECONDS_MAX} s. Look whether this machine is short of memory or busy, "
            "then run again."
        ) from None
    finally:
        client.stop_channels()
    return manager


def end(manager: Any) -> None:
    manager.shutdown_kernel(now=True)
