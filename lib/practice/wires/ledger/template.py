"""A data directory that initdb made once and every later world copies: 0.06 s instead of about a second."""

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from practice.wires import guard
from practice.wires.ledger.installation import ClusterError, Quarters, hand_over

# Relative to this file, so that a checkout that was moved, .run included, still finds its template.
STORE = Path(__file__).resolve().parents[4] / ".run" / "ledger-template"
# The superuser's password of the template, copied with it; a world replaces it at its first start and removes it.
PASSWORD_FILE = "template.password"

OPTIONS = [
    "--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8", "--wal-segsize=1", "--no-sync", "--no-instructions",
]  # fmt: skip
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "64MB",
    # Files instead of /dev/shm: containers keep that small, and a killed server would leave segments there.
    "dynamic_shared_memory_type": "mmap",
    # No pool of I/O processes: three fewer to start and to end for a database that fits in memory.
    "io_method": "sync",
    # A committed payment must survive a killed server; that is what scenario C is about.
    "fsync": "on",
    "synchronous_commit": "on",
}


def provide(data: Path, quarters: Quarters) -> None:
    """Make `data` a ready data directory, whole or not at all. Raises ClusterError."""
    try:
        template = _kept(quarters)
    except OSError:
        template = None  # the store is not ours to write, as in another user's checkout
    making = data.with_name(f".making-{secrets.token_hex(4)}")
    try:
        if template is None:
            _initdb(making, quarters)
        else:
            shutil.copytree(template, making, symlinks=True)
        making.rename(data)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _kept(quarters: Quarters) -> Path:
    """The template in the store, made there when it is missing."""
    recipe = repr((quarters.installation.version, OPTIONS, sorted(SETTINGS.items())))
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    # The user is part of the name: a data directory can be read by its owner alone.
    template = STORE / f"{quarters.installation.version}-{digest}-{os.geteuid()}"
    if (template / "PG_VERSION").is_file():
        return template
    STORE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(STORE):
        if not (template / "PG_VERSION").is_file():
            # Whoever holds the lock is the only maker, so what others began was left by the killed.
            for remains in [*STORE.glob(".making-*"), template]:
                shutil.rmtree(remains, ignore_errors=True)
            making = STORE / f".making-{secrets.token_hex(4)}"
            _initdb(making, quarters)
            making.rename(template)
    return template


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    with (directory / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _initdb(data: Path, quarters: Quarters) -> None:
    """Run initdb, where it can write; the result lands in `data`."""
    place = Path(tempfile.mkdtemp(dir=quarters.temporary)) if quarters.temporary else data
    place.mkdir(mode=0o700, exist_ok=True)
    hand_over(place, quarters.identity)
    password = secrets.token_urlsafe(24)
    output = _run_initdb(place, password, quarters)
    if output is not None:
        shutil.rmtree(place, ignore_errors=True)
        raise ClusterError(f"initdb could not make a data directory in `{data.parent}`: {output}")
    secret = place / PASSWORD_FILE
    secret.touch(mode=0o600)
    secret.write_text(password)
    if place != data:
        shutil.copytree(place, data, symlinks=True)
        shutil.rmtree(place)


def _run_initdb(data: Path, password: str, quarters: Quarters) -> str | None:
    """None when it worked, else the last line it said."""
    settings = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
    # The password goes in over standard input, which initdb reads as its password file: no secret in argv.
    command = [quarters.installation.program("initdb"), "-D", data, "--pwfile=/dev/stdin", *OPTIONS, *settings]
    with tempfile.TemporaryFile() as entry, tempfile.TemporaryFile() as output:
        entry.write(password.encode() + b"\n")
        entry.seek(0)
        if quarters.identity.uid is not None:
            os.fchown(entry.fileno(), quarters.identity.uid, -1)  # /dev/stdin is opened anew, under its owner's rights
        process = guard.spawn(
            command, environment={"LC_ALL": "C"}, directory=data, identity=quarters.identity,
            stdin=entry, stdout=subprocess.DEVNULL, stderr=output,
        )  # fmt: skip
        if process.wait() == 0:
            return None
        output.seek(0)
        lines = output.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
