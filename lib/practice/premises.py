"""Where a world lives: a directory for one world at a time, and a free port."""

import contextlib
import fcntl
import random
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Below the range from which the system draws ports for outgoing connections: a service that restarts finds its port
# still free.
PORTS = range(20_000, 32_000)


class WorldError(RuntimeError):
    """The world cannot be opened or used; the text is one sentence with the next move."""


@contextlib.contextmanager
def claim(directory: Path) -> Iterator[Path]:
    """A home inside `directory` for the one world that may be open there; what a killed predecessor left goes.
    Raises WorldError when another is open."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / "world.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorldError(
                f"A practice world is open in `{directory}` already; end it (Ctrl-C where it runs), then try again."
            ) from None
        (directory / "world.env").unlink(missing_ok=True)
        for left_over in directory.glob("world-*/"):
            shutil.rmtree(left_over, ignore_errors=True)
        home = Path(tempfile.mkdtemp(prefix="world-", dir=directory))
        try:
            yield home
        finally:
            shutil.rmtree(home, ignore_errors=True)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens. Raises WorldError."""
    for port in random.SystemRandom().sample(PORTS, 200):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise WorldError(f"No free port on 127.0.0.1 between {PORTS.start} and {PORTS.stop}; close some programs.")
