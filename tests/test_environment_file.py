"""environment.yml and the locks say the same as the launcher. What conda makes of the file was never tried."""

import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LIB = ROOT / "lib"
LOCKS = ("bootstrap.lock", "requirements.lock")
# What `uv pip compile --generate-hashes --no-header` writes, and nothing else: a pinned package with its hashes, and
# who asked for it.
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[\w.+]+)(?: ; (?P<marker>[^\\]+))? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?P<more> \\)?$")
ORIGIN = re.compile(
    r"^    #( via)?( +[a-z0-9-]+(\[[a-z0-9,-]+\])?| -r requirements\.in)?$| +#   (-r requirements\.in|[a-z0-9-]+)$"
)


@pytest.fixture(scope="module")
def environment() -> dict:
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def pins(lock: str) -> dict[str, int]:
    """Each locked package and how many hashes it has."""
    found: dict[str, int] = {}
    for line in (LIB / lock).read_text(encoding="utf-8").splitlines():
        if pin := PIN.match(line):
            name = pin["name"]
            found.setdefault(name, 0)
        elif HASH.match(line):
            found[name] += 1
    return found


def direct() -> set[str]:
    lines = (LIB / "requirements.in").read_text(encoding="utf-8").splitlines()
    return {canonicalize_name(Requirement(line).name) for line in lines if line and not line.startswith("#")}


def test_it_is_python_and_pip_and_the_lock(environment):
    assert set(environment) == {"name", "channels", "dependencies"}
    assert environment["channels"] == ["conda-forge", "nodefaults"], "one channel, so that nobody's terms surprise"
    python, pip, block = environment["dependencies"]
    assert (python.split()[0], pip) == ("python", "pip")
    assert block == {"pip": ["--require-hashes", "-r lib/requirements.lock"]}


def test_its_python_is_the_launchers(environment, launcher: ModuleType):
    supported = SpecifierSet(environment["dependencies"][0].removeprefix("python "))
    minors = [(3, minor) for minor in range(30) if f"3.{minor}" in supported]
    assert (minors[0], minors[-1]) == (launcher.OLDEST, launcher.NEWEST)


def test_its_name_is_the_one_that_the_launcher_knows(environment, launcher: ModuleType):
    assert environment["name"] == launcher.CONDA_NAME


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_hashed_and_knows_no_host_and_no_machine(lock):
    for number, line in enumerate((LIB / lock).read_text(encoding="utf-8").splitlines(), 1):
        assert PIN.match(line) or HASH.match(line) or ORIGIN.match(line), f"{lock}:{number}: {line}"
    bare = [name for name, hashes in pins(lock).items() if not hashes]
    assert bare == []


def test_every_direct_requirement_is_locked():
    assert direct() - set(pins("requirements.lock")) == set()


def test_pip_needs_to_install_uv_alone():
    assert set(pins("bootstrap.lock")) == {"uv"}


def test_the_lock_covers_every_python_of_the_range(launcher: ModuleType):
    """Universal: one file for all, markers included; a marker that excludes a supported Python would show here."""
    needed = direct()
    for line in (LIB / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if (pin := PIN.match(line)) and pin["name"] in needed and pin["marker"]:
            pytest.fail(f"`{pin['name']}` is a direct requirement and locked for `{pin['marker']}` only")


def test_the_commands_that_make_the_locks_stand_beside_the_requirements():
    comments = [line for line in (LIB / "requirements.in").read_text().splitlines() if line.startswith("#   ")]
    wanted = ("uv pip compile", "--universal", "--python-version 3.11", "--generate-hashes", "--no-header")
    for lock in LOCKS:
        [command] = [line for line in comments if line.endswith(f"-o {lock}")]
        assert [word for word in wanted if word not in command] == []
        assert "--emit-index-url" not in command
