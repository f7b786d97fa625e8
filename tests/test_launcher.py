"""The launcher in a house of its own: real venv, real pip, real uv, and an index in a directory, so that it is quick.

The house has the launcher and two tiny locks; its `runbook`, `practice`, `pytest` and `tests.bench` only say how they
were called. The real locks are installed once, by the test that is marked slow.
"""

import ast
import base64
import contextlib
import hashlib
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
# Nothing listens here: port 9 is "discard", and needs root to be bound.
DEAD_INDEX = "http://127.0.0.1:9/simple"
ECHO = """\
import json, os, sys
print(json.dumps({"module": __spec__.parent, "arguments": sys.argv[1:], "prefix": sys.prefix, "cwd": os.getcwd(),
                  "world": os.environ.get("PRACTICE_WORLD"), "first": sys.path[0], "environment": [
                      name for name in ("PYTHONHOME", "PYTHONPATH") if name in os.environ]}))
"""
LOCAL_SETTINGS = re.compile(r"^(PIP|UV|PYTHON|PRACTICE|CONDA|VIRTUAL_ENV)")


def wheel(directory: Path, name: str, files: dict[str, str]) -> str:
    """Write a wheel and return its line of a lock."""
    info = f"{name}-1.0.dist-info"
    files |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()) for path, text in files.items()}
    record = "".join(f"{path},sha256={digests[path].decode().rstrip('=')},{len(files[path])}\n" for path in files)
    directory.mkdir(parents=True)
    file = directory / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in (files | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}).items():
            member = zipfile.ZipInfo(path)
            member.external_attr = 0o100_755 << 16
            archive.writestr(member, text)
    (directory / "index.html").write_text(f'<!DOCTYPE html><a href="{file.name}">{file.name}</a>')
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


class House:
    def __init__(self, place: Path) -> None:
        self.index = place / "index"
        # A space, because people have them in their paths.
        self.root = place / "a house"
        lib = self.root / "lib"
        for module in (lib / "runbook", lib / "practice", lib / "pytest", self.root / "tests" / "bench"):
            module.mkdir(parents=True)
            (module / "__init__.py").write_text("")
            (module / "__main__.py").write_text(ECHO)
        shutil.copy2(ROOT / "runbook", self.root)
        uv = Path(sys.prefix, "bin", "uv")
        if not uv.exists():
            pytest.skip("needs the uv of .venv")
        script = f'#!/bin/sh\nexec "{uv}" "$@"\n'
        (lib / "bootstrap.lock").write_text(wheel(self.index / "uv", "uv", {"uv-1.0.data/scripts/uv": script}))
        (lib / "requirements.lock").write_text(wheel(self.index / "greeting", "greeting", {"greeting.py": ""}))
        self.settings = place / "pip.conf"
        self.settings.write_text(f"[global]\nindex-url = {self.index.as_uri()}\n")
        self.environment = {name: value for name, value in os.environ.items() if not LOCAL_SETTINGS.match(name)}
        self.environment |= {"PIP_CONFIG_FILE": str(self.settings), "XDG_CONFIG_HOME": str(place / "none")}
        self.environment |= {"UV_CACHE_DIR": str(place / "cache"), "PIP_NO_CACHE_DIR": "1"}

    def start(self, *arguments: str, launcher: str = "runbook", cwd: Path | None = None, **environment: str):
        return subprocess.Popen(
            [sys.executable, launcher, *arguments], cwd=cwd or self.root, env=self.environment | environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments, **options) as process:
            out, said = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, out, said)

    def calls(self, *arguments: str, **options) -> dict:
        """What was called, by a launcher that had nothing to say."""
        done = self.run(*arguments, **options)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    def pretending(self, change: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The launcher in an interpreter that was changed first."""
        script = f"import runpy, sys; {change}; sys.argv = ['runbook', *{arguments!r}]; "
        return subprocess.run(
            [sys.executable, "-c", script + "runpy.run_path('runbook', run_name='__main__')"], cwd=self.root,
            env=self.environment | environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def is_sound(self) -> bool:
        return load(self.root / "runbook").is_sound()


def load(launcher: Path) -> ModuleType:
    module = ModuleType("launcher")
    module.__file__ = str(launcher)
    exec(compile(launcher.read_text(encoding="utf-8"), module.__file__, "exec"), module.__dict__)
    return module


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Nothing is built here, and nothing can be."""
    return House(tmp_path)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, list[subprocess.CompletedProcess[str]]]:
    """A first use while the network is away, then two first uses at once."""
    house = House(tmp_path_factory.mktemp("built"))
    runs = [house.run("respond", PIP_INDEX_URL=DEAD_INDEX)]
    both = [house.start("respond"), house.start("doctor")]
    for process in both:
        out, said = process.communicate()
        runs.append(subprocess.CompletedProcess("", process.returncode, out, said))
    assert house.is_sound(), runs
    return house, runs


@pytest.fixture
def built(history) -> House:
    return history[0]


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """What a launcher that gives up says last: one line, and no traceback above it."""
    assert "Traceback" not in done.stderr
    said = done.stderr.splitlines()[-1]
    assert said.startswith("runbook: ")
    assert said.endswith((".", "respond"))
    return said


def untouched(house: House) -> bool:
    return not (house.root / ".venv").exists() and not (house.root / ".run").exists()


# Before anything is built


def test_without_a_command_it_shows_how_to_use_it(house):
    done = house.run()
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith("usage: ./runbook COMMAND")
    assert untouched(house)


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_is_no_error(house, word):
    done = house.run(word)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ./runbook COMMAND")
    assert untouched(house)


@pytest.mark.parametrize("word", ["dril", "-v", "../drill", ""])
def test_an_unknown_command_is_named_before_anything_is_built(house, word):
    done = house.run(word)
    assert done.returncode == 64
    assert f"no command `{word}`" in sentence(done)
    assert untouched(house)


@pytest.mark.parametrize(("version", "word"), [((3, 6, 15), "old"), ((3, 10, 14), "old"), ((3, 14, 0), "new")])
def test_a_python_outside_the_range_is_told_which_one_to_take(house, version, word):
    done = house.pretending(f"sys.version_info = (*{version!r}, 'final', 0)", "respond")
    assert done.returncode == 2
    here = "{}.{}".format(*version)
    assert f"Python {here} is too {word}; the suite needs 3.11 to 3.13." in sentence(done)
    assert sentence(done).endswith("then run: python3.13 runbook respond")
    assert untouched(house)


def test_an_old_python_can_read_it():
    ast.parse((ROOT / "runbook").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_a_real_old_python_says_so_too(house):
    names = [f"python3.{minor}" for minor in range(6, 11)]
    there = [
        name for name in names if shutil.which(name) and not subprocess.call([name, "-V"], stderr=subprocess.DEVNULL)
    ]
    if not there:
        pytest.skip("there is no Python that is too old")
    for name in there:
        done = subprocess.run([name, "runbook", "drill"], cwd=house.root, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert f"{name.replace('python', 'Python ')} is too old" in done.stderr
        assert untouched(house)


@pytest.mark.parametrize("module", ["ensurepip", "venv"])
def test_a_python_without_venv_says_what_to_install(house, module):
    done = house.pretending(f"sys.modules[{module!r}] = None", "respond")
    assert done.returncode == 2
    assert "apt-get install python3-venv" in sentence(done)
    assert untouched(house)


def test_a_checkout_that_cannot_be_written_says_so(house):
    (house.root / ".run").write_text("in the way")
    done = house.run("respond")
    assert done.returncode == 2
    assert ".run" in sentence(done)


def test_ctrl_c_while_building_leaves_one_sentence(house):
    with house.start("respond") as process:
        assert "building .venv" in process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    assert "it starts over cleanly" in sentence(subprocess.CompletedProcess("", 130, "", said))
    assert not house.is_sound()


def test_a_conda_environment_of_that_name_is_used_as_it_is(house, tmp_path):
    """A stand-in: conda itself was never tried."""
    (tmp_path / "conda" / "bin").mkdir(parents=True)
    python = tmp_path / "conda" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    active = {"CONDA_PREFIX": str(tmp_path / "conda"), "CONDA_DEFAULT_ENV": load(ROOT / "runbook").CONDA_NAME}
    done = house.run("doctor", **active)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["prefix"] == sys.prefix
    assert not (house.root / ".venv").exists()


# Building


def test_a_network_that_is_away_is_one_sentence(history):
    away = history[1][0]
    assert (away.returncode, away.stdout) == (2, "")
    assert "could not install uv: the package index does not answer" in sentence(away)
    assert len(away.stderr.splitlines()) == 2, "what it does, and why it could not"


def test_two_first_uses_at_once_build_once_and_over_what_was_left(history):
    _, one, other = history[1]
    assert (one.returncode, other.returncode) == (0, 0)
    said = sorted([one.stderr, other.stderr], key=len)
    assert "waiting" in said[0]
    assert "rebuilding .venv" in said[1]
    assert "ready after" in said[1]
    assert {json.loads(each.stdout)["arguments"][0] for each in (one, other)} == {"respond", "doctor"}


def test_it_is_built_from_both_locks_by_pips_settings_alone(built):
    packages = next((built.root / ".venv" / "lib").glob("python3.*/site-packages"))
    assert (packages / "greeting.py").exists()
    assert list(packages.glob("__pycache__/greeting.*.pyc")), "byte code is made while building"
    assert (packages / "runbook.pth").read_text() == f"{built.root / 'lib'}\n"
    assert (built.root / ".venv" / "bin" / "uv").exists()


# What the environment says, what pip's settings say, and what both are told besides.
SETTINGS = [
    ({}, {}, {}),
    ({}, {"index-url": "https://a.example/simple"}, {"UV_DEFAULT_INDEX": "https://a.example/simple"}),
    ({"UV_INDEX_URL": "https://a.example/simple"}, {}, {"PIP_INDEX_URL": "https://a.example/simple"}),
    ({"UV_DEFAULT_INDEX": "https://a.example"}, {}, {"PIP_INDEX_URL": "https://a.example"}),
    ({"UV_INDEX_URL": "https://b.example"}, {"index-url": "https://a.example"}, {}),
    ({}, {"extra-index-url": "file:///a\nfile:///b"}, {"UV_INDEX": "file:///a file:///b"}),
    ({"UV_EXTRA_INDEX_URL": "https://a.example"}, {}, {"PIP_EXTRA_INDEX_URL": "https://a.example"}),
    ({}, {"find-links": "/a /b"}, {"UV_FIND_LINKS": "/a,/b"}),
    ({"UV_FIND_LINKS": "/a,/b"}, {}, {"PIP_FIND_LINKS": "/a /b"}),
    ({}, {"proxy": "http://proxy.example:3128"}, {"ALL_PROXY": "http://proxy.example:3128"}),
    ({}, {"cert": "/a b.pem"}, {"SSL_CERT_FILE": "/a b.pem"}),
    ({}, {"trusted-host": "a.example"}, {"UV_INSECURE_HOST": "a.example"}),
]


@pytest.mark.parametrize(("environment", "pip", "besides"), SETTINGS)
def test_what_pip_was_told_uv_is_told_and_the_other_way_round(launcher, monkeypatch, environment, pip, besides):
    for name in [name for name in os.environ if LOCAL_SETTINGS.match(name) or name in ("SSL_CERT_FILE", "ALL_PROXY")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert launcher.shared_settings(pip) == besides | {"UV_INDEX_STRATEGY": "unsafe-best-match"}


def test_pips_settings_are_read_from_its_file_and_its_variables(built, monkeypatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", str(built.settings))
    monkeypatch.setenv("PIP_PROXY", "http://proxy.example:3128")
    settings = load(built.root / "runbook").pip_settings()
    assert settings["index-url"] == built.index.as_uri()
    assert settings["proxy"] == "http://proxy.example:3128"


@contextlib.contextmanager
def away(path: Path) -> Iterator[None]:
    aside = path.with_name(path.name + ".aside")
    path.rename(aside)
    yield
    path.unlink(missing_ok=True)
    aside.rename(path)


@contextlib.contextmanager
def instead(path: Path, target: Path) -> Iterator[None]:
    with away(path):
        path.symlink_to(target)
        yield


@contextlib.contextmanager
def holding(path: Path, text: str) -> Iterator[None]:
    before = path.read_text()
    path.write_text(text)
    yield
    path.write_text(before)


DAMAGES = {
    "never finished": lambda venv, _: away(venv / "runbook-stamp"),
    "a stamp cut short": lambda venv, _: holding(venv / "runbook-stamp", ""),
    "a stamp of something else": lambda venv, _: holding(venv / "runbook-stamp", "\x00\n/\netc"),
    "a package gone": lambda _, packages: away(packages / "greeting.py"),
    "a package's files gone": lambda _, packages: away(packages / "greeting-1.0.dist-info"),
    "off the path": lambda _, packages: away(packages / "runbook.pth"),
    "no interpreter": lambda venv, _: away(venv / "bin" / "python"),
    "a broken link": lambda venv, _: instead(venv / "bin" / "python", venv / "nowhere"),
    "another interpreter": lambda venv, _: instead(venv / "bin" / "python", Path("/bin/sh")),
    "another lock": lambda venv, _: holding(venv.parent / "lib" / "requirements.lock", "# newer\n"),
    "no lock": lambda venv, _: away(venv.parent / "lib" / "bootstrap.lock"),
    "no .venv": lambda venv, _: away(venv),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_seen(built, damage):
    venv = built.root / ".venv"
    packages = next((venv / "lib").glob("python3.*/site-packages"))
    assert built.is_sound()
    with DAMAGES[damage](venv, packages):
        assert not built.is_sound()
    assert built.is_sound()


def test_a_moved_checkout_is_seen(built, tmp_path):
    before = built.root
    built.root = before.rename(tmp_path / "moved")
    try:
        assert not built.is_sound()
    finally:
        built.root = built.root.rename(before)
    assert built.is_sound()


@pytest.mark.slow
def test_a_copied_checkout_is_built_again_where_it_is(built, tmp_path):
    """With uv's word for the index this time, which pip is told too."""
    house = House(tmp_path)
    shutil.rmtree(house.root)
    shutil.copytree(built.root, house.root, symlinks=True)
    assert not house.is_sound()
    done = house.run("respond", PIP_CONFIG_FILE=os.devnull, UV_INDEX_URL=built.index.as_uri())
    assert done.returncode == 0, done.stderr
    assert "rebuilding .venv" in done.stderr
    assert json.loads(done.stdout)["prefix"] == str(house.root / ".venv")
    assert house.is_sound()


@pytest.mark.slow
def test_a_wrong_hash_stops_it(tmp_path):
    house = House(tmp_path)
    lock = house.root / "lib" / "bootstrap.lock"
    lock.write_text(re.sub(r"[0-9a-f]{64}", "0" * 64, lock.read_text()))
    done = house.run("respond")
    assert done.returncode == 2
    assert "HASHES" in sentence(done)


# Later calls


def test_each_command_reaches_its_module(built):
    for command in ("drill", "refresh"):
        assert built.calls(command, "--seed", "1")["module"] == "practice"
    called = built.calls("respond", "--target", "a b")
    assert (called["module"], called["arguments"]) == ("runbook", ["respond", "--target", "a b"])
    called = built.calls("test", "-k", "x")
    assert called["module"] == "pytest"
    assert called["arguments"] == ["-c", ".pytest.toml", "--rootdir", str(built.root), "-k", "x"]
    assert built.calls("bench", "export")["module"] == "tests.bench"


def test_tests_and_benchmarks_run_at_the_root_and_the_rest_where_you_are(built, tmp_path):
    launcher = str(built.root / "runbook")
    for command, where in (("test", built.root), ("bench", built.root), ("run", tmp_path), ("drill", tmp_path)):
        assert built.calls(command, launcher=launcher, cwd=tmp_path)["cwd"] == str(where)


def test_what_lies_about_does_not_get_in(built, tmp_path):
    """Neither a file of the directory that one happens to be in, nor what another Python was told."""
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    launcher = str(built.root / "runbook")
    called = built.calls("run", launcher=launcher, cwd=tmp_path, PYTHONPATH=str(tmp_path / "elsewhere"))
    assert called["environment"] == []
    assert called["prefix"] == str(built.root / ".venv")


def test_the_open_world_is_known_to_the_runbook_and_what_is_set_wins(built):
    (built.root / ".run" / "world.env").write_text("PRACTICE_WORLD=world-7\nPATH=/nowhere\n# PRACTICE_X\nnonsense\n")
    try:
        assert built.calls("respond")["world"] == "world-7"
        assert built.calls("respond", PRACTICE_WORLD="mine")["world"] == "mine"
        assert built.calls("test")["world"] is None
        assert built.calls("drill")["world"] is None
    finally:
        (built.root / ".run" / "world.env").unlink()


def test_links_lead_to_the_same_environment(built, tmp_path):
    (tmp_path / "shortcut").symlink_to(built.root / "runbook")
    (tmp_path / "folder").symlink_to(built.root)
    for launcher in ("shortcut", "folder/runbook"):
        assert built.calls("respond", launcher=launcher, cwd=tmp_path)["prefix"] == str(built.root / ".venv")


def test_it_runs_by_itself_and_where_the_run_bit_was_lost(built):
    launcher = built.root / "runbook"
    assert os.access(ROOT / "runbook", os.X_OK), "committed with the run bit"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["./runbook", "respond"], cwd=built.root, env=built.environment | {"PATH": path}, check=False)
    assert done.returncode == 0
    launcher.chmod(0o644)
    assert built.calls("respond")["module"] == "runbook"
    launcher.chmod(0o755)


def test_whichever_python_starts_it_the_environment_stays(built):
    done = built.pretending("sys.version_info = (3, 9, 2, 'final', 0)", "respond")
    assert (done.returncode, done.stderr) == (0, "")


# Commands


def test_the_usage_shows_what_the_launcher_knows(launcher):
    shown = re.findall(r"^(?:learn|respond|check|work on| {3,8}) +([a-z-]+) ", launcher.USAGE, re.MULTILINE)
    assert sorted(shown) == sorted(launcher.MODULES)


@pytest.mark.parametrize("package", ["practice", "runbook"])
def test_each_command_is_known_to_its_parser(launcher, package, capsys):
    parser = importlib.import_module(f"{package}.__main__").parser()
    for command in launcher.COMMANDS[package]:
        with pytest.raises(SystemExit) as ended:
            parser.parse_args([command, "--help"])
        assert ended.value.code == 0, command
    capsys.readouterr()
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    known = re.search(r"\{([a-z,-]+)\}", capsys.readouterr().out)[1].split(",")
    assert sorted(known) == sorted(launcher.COMMANDS[package])


@pytest.mark.slow
def test_the_real_lock_installs_on_a_fresh_checkout(tmp_path, tracked_files):
    for file in tracked_files:
        copy = tmp_path / "fresh" / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "runbook", "doctor", "--help"], cwd=tmp_path / "fresh", env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ready after" in done.stderr
    python = tmp_path / "fresh" / ".venv" / "bin" / "python"
    check = subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout
