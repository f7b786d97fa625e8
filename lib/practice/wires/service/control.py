"""The private channel of whoever runs the process: JSON lines on stdin.

`{"clock": 1768478400.0}` stops the service's clock there (null: lets it run), `{"offset": -60.0}` sets a running one
back by a minute with the rest of its world, `{"ahead": 420.0}` has it run ahead of everybody's, `{"seed": 7}` seeds its
ids, `{"release": "healthy"}` switches behaviour without a restart and `{"version": "2026.11.3"}` what it calls itself,
`{"started": true}` says that the start is in the log already, and `"ack": PATH` beside any of them makes a file once
the line took effect.
"""

import json
import random
import select
import sys
import threading
import time
import uuid
from pathlib import Path

from practice.wires.service.settings import VERSION


class Control:
    """Clock, ids and release of this process; read from any thread, changed only by the channel."""

    def __init__(self) -> None:
        self.release, self.version = "healthy", VERSION
        self.start_is_logged = False
        self._fixed: float | None = None
        self._offset = 0.0
        self.ahead_seconds = 0.0
        self._random: random.Random = random.SystemRandom()

    def now(self) -> float:
        """Unix seconds."""
        return (time.time() + self._offset if self._fixed is None else self._fixed) + self.ahead_seconds

    def milliseconds_since(self, started: float) -> int:
        """`started` comes from `stopwatch()`; a stopped clock measures nothing."""
        return 0 if self._fixed is not None else round((time.monotonic() - started) * 1000)

    def stopwatch(self) -> float:
        return time.monotonic()

    def new_id(self) -> uuid.UUID:
        return uuid.UUID(int=self._random.getrandbits(128), version=4)

    def obey(self, line: str) -> None:
        order = json.loads(line)
        if "clock" in order:
            self._fixed = order["clock"]
        self._offset = order.get("offset", self._offset)
        self.ahead_seconds = order.get("ahead", self.ahead_seconds)
        self.version = order.get("version", self.version)
        if "seed" in order:
            self._random = random.Random(order["seed"])
        if "release" in order:
            self.release = order["release"]
        if "started" in order:
            self.start_is_logged = order["started"]
        if "ack" in order:
            Path(order["ack"]).touch()

    def listen(self) -> None:
        """Obey what already waits in the pipe, so that the first log line has the right time; then keep listening."""
        while select.select([sys.stdin], [], [], 0)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            self.obey(line)
        threading.Thread(target=self._follow, name="control", daemon=True).start()

    def _follow(self) -> None:
        for line in sys.stdin:
            self.obey(line)
