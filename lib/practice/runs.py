"""The runbook as a child process: its lines as they come, and nothing of it left when somebody presses Ctrl-C."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

# A runbook that is interrupted finishes the step it is in; JupyterLab shuts its kernels down.
PATIENCE_SECONDS = 10.0


def runbook(arguments: Sequence[str], environment: Mapping[str, str], hear: Callable[[str], None]) -> int:
    """Run `python -m runbook ARGUMENTS`; every line of its standard output goes to `hear`. Returns its exit code."""
    with _child(arguments, environment, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for line in child.stdout:
            hear(line.rstrip("\n"))
        return child.wait()


def interactive(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """The same for a program that a person works with: it has the terminal to itself."""
    with _child(arguments, environment, stdout=None) as child:
        return child.wait()


@contextlib.contextmanager
def _child(
    arguments: Sequence[str], environment: Mapping[str, str], stdout: int | None
) -> Iterator[subprocess.Popen[str]]:
    """In a session of its own, so that Ctrl-C reaches us alone and we end it in good order."""
    child = subprocess.Popen(
        [sys.executable, "-m", "runbook", *arguments], env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
        stdout=stdout, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield child
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if child.poll() is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(PATIENCE_SECONDS)
        if child.stdout is not None:
            child.stdout.close()
