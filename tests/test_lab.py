"""A person steps through the incident in JupyterLab: runs the notebook, reads and approves the plan, sees it done."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
NOTEBOOK = "12_scenario_c_database_rollback"


@pytest.fixture
def lab(drill_world, tmp_path) -> Iterator[str]:
    """The address of a JupyterLab on a broken world, with its token."""
    drill_world.inject("database_rollback", "crash_before_commit", seed=3, live=False)
    outputs = tmp_path / "outputs"
    environment = {**os.environ, **drill_world.environment, "RUNBOOK_OUTPUTS": str(outputs), "BROWSER": "true"}
    command = [sys.executable, "-m", "runbook", "lab", "--target", "practice", "--notebook", NOTEBOOK]
    with (tmp_path / "lab.log").open("w+") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            yield address(Path(log.name), process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def address(log: Path, process: subprocess.Popen) -> str:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        if found := re.search(r"http://127\.0\.0\.1:\d+/lab\S*token=\w+", log.read_text()):
            return found[0]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def wait_for_kernel(url: str) -> None:
    """The page says idle before it has a kernel; Run All would then open a dialog instead."""
    base, token = url.split("/lab")[0], url.split("token=")[1]
    for _ in range(600):
        kernels = httpx.get(f"{base}/api/kernels", params={"token": token}).json()
        if any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in kernels):
            return
        time.sleep(0.1)
    raise AssertionError("no kernel became idle")


def test_a_plan_is_read_approved_and_carried_out_on_the_page(lab, drill_world, tmp_path):
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        elsewhere: list[str] = []
        page.on("request", lambda request: elsewhere.append(request.url) if away(request.url) else None)
        page.goto(lab)
        expect(page.locator(".jp-Notebook")).to_be_visible(timeout=60_000)
        wait_for_kernel(lab)
        page.locator("li.lm-MenuBar-item", has_text="Run").click()
        page.locator("li.lm-Menu-item", has_text="Run All Cells").first.click()
        button = page.get_by_role("button", name="Approve this plan")
        expect(button).to_be_disabled(timeout=60_000)
        box = page.get_by_role("textbox", name="plan …")
        box.fill(box.get_attribute("placeholder").removeprefix("type "))
        expect(button).to_be_enabled()
        button.click()
        expect(page.get_by_text("Run the next cell")).to_be_visible()
        wait_for_kernel(lab)
        apply = page.locator(".jp-CodeCell", has_text="repair.apply")
        apply.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        expect(apply.locator(".jp-OutputArea")).to_contain_text("17 applied", timeout=60_000)
        if folder := os.environ.get("RUNBOOK_PICTURES"):
            page.screenshot(path=f"{folder}/lab.png")
        browser.close()
    assert not elsewhere
    assert drill_world.referee().judge().is_recovered
    journal = next((tmp_path / "outputs").glob("inc-*/journal.jsonl")).read_text().splitlines()
    assert [entry["kind"] for entry in map(json.loads, journal)].count("approval") == 1


def away(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:"))
