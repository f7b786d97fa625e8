"""Kernels that are forks of one process: fresh for each notebook, warm for all, and gone with the runbook."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from runbook.errors import CannotLook
from runbook.headless import fork_server, kernels
from runbook.headless.fork_server import ForkServer
from runbook.headless.kernels import Kernels

pytestmark = pytest.mark.skipif(not fork_server.POSSIBLE, reason="kernels are started one by one here")


@pytest.fixture(scope="module")
def forked():
    """Two kernels of one server."""
    with Kernels(2) as several, several.kernel() as one, several.kernel() as two:
        yield one, two


def answer(manager: Any, code: str) -> str:
    """What the kernel prints when it runs this."""
    client = manager.blocking_client()
    client.start_channels()
    said: list[str] = []
    try:
        client.wait_for_ready(timeout=30)
        client.execute_interactive(
            code, timeout=30, output_hook=lambda message: said.append(message["content"].get("text", ""))
        )
    finally:
        client.stop_channels()
    return "".join(said).strip()


def test_each_kernel_is_a_process_of_its_own(forked):
    one, two = forked
    assert answer(one, "import os; print(os.getpid())") == str(one.provisioner.pid)
    assert answer(one, "kept = 1; print(kept)") == "1"
    assert answer(two, "print('kept' in globals())") == "False"


def test_a_kernel_has_imported_what_notebooks_need_and_shows_cards(forked):
    modules = ("runbook.display.notebook", "ipykernel")
    assert answer(forked[0], f"import sys; print(set({modules!r}) <= set(sys.modules))") == "True"
    assert answer(forked[0], "from runbook.judgement import triage; display(triage.all_suspects())").startswith(
        answer(forked[1], "from runbook.judgement import triage; display(triage.all_suspects())")[:20]
    )
    assert "Suspects(" not in answer(forked[0], "display(triage.all_suspects())"), "a card, not a bare value"


def test_random_numbers_are_not_those_of_its_sibling(forked):
    code = "import random, uuid; print(random.random(), uuid.uuid4())"
    assert answer(forked[0], code) != answer(forked[1], code)


def test_a_kernel_that_ends_is_seen_to_have_ended():
    server = ForkServer()
    try:
        child = server.fork(["python", "-f", "/nowhere.json"], "/")
        assert child.poll() is None or child.poll() == 0
        child.kill()
        assert child.wait() == 0
    finally:
        server.close()


def test_a_server_that_died_is_told_in_one_sentence():
    server = ForkServer()
    os.kill(server._server.pid, signal.SIGKILL)
    server._server.wait()
    with pytest.raises(CannotLook, match="The process that starts kernels ended"):
        server.fork(["python", "-f", "/nowhere.json"], "/")
    server.close()


def test_kernels_end_with_the_runbook_however_it_ends(tmp_path: Path):
    story = (
        "import sys, time; from runbook.headless import kernels\n"
        "kernels.AHEAD = ''\n"
        "with kernels.Kernels(2) as several, several.kernel() as one:\n"
        "    print(one.provisioner.pid, flush=True); time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", story], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        kernel = int(child.stdout.readline())
    finally:
        child.kill()
        child.wait()
    give_up = time.monotonic() + 20
    while alive(kernel) and time.monotonic() < give_up:
        time.sleep(0.1)
    assert not alive(kernel)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_where_forking_is_not_sound_each_is_started_alone(monkeypatch):
    monkeypatch.setattr(fork_server, "POSSIBLE", False)
    monkeypatch.setattr(kernels, "AHEAD", "")
    with Kernels(2) as several, several.kernel() as one:
        assert answer(one, "print(1 + 1)") == "2"
