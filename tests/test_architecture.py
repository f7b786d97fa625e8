"""The rules of the house, read off the source: who may import whom, who may write, and what no file may hold."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
LIB = ROOT / "lib"
LINES_MAX = 300

# Imports point down, or stay on their floor; a module that is not named here has no place yet.
FLOORS = {
    5: "__main__ headless lab doctor",
    4: "display",
    3: "journal incident evidence export reconcile planning verify response record repair",
    2: "judgement",
    1: "wires",
    0: "facts plan money clock errors target redact",
}
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names.split()}
AT_THE_ROOT = {"README.md", "environment.yml", "lib", "notebooks", "outputs", "parameters", "runbook", "tests"}

BROAD = {"Exception", "BaseException"}
MONEY = re.compile(r"(^|_)(amounts?|minor|money|cents|residual)(_|$)")
# Spelt in pieces, so that this file passes its own test.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
CLOCKS = re.compile(
    r"\b(now|current_\w+|localtime\w*|clock_timestamp|statement_timestamp|transaction_timestamp)\b", re.IGNORECASE
)
MACHINE = re.compile(r"/(home|root|work|Users)" + r"/\w")
INDEX = re.compile(r"\b(pypi" + r"\.org|files\.python" + r"hosted\.org|test\.pypi)", re.IGNORECASE)


@dataclass(frozen=True)
class Module:
    path: Path
    name: str
    text: str
    tree: ast.Module

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def package(self) -> str:
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    def imports(self, types_too: bool = True) -> Iterator[tuple[int, str]]:
        """Line and full name of everything imported, inside functions too."""
        for_types = {
            id(node)
            for block in ast.walk(self.tree)
            if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
            for node in ast.walk(block)
        }
        for node in ast.walk(self.tree):
            if id(node) in for_types and not types_too:
                continue
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                parts = self.package.split(".")[: len(self.package.split(".")) - node.level + 1] if node.level else []
                base = ".".join([*parts, *([node.module] if node.module else [])])
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def read(path: Path) -> Module:
    parts = path.relative_to(LIB).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(path, name, text, ast.parse(text, str(path)))


@cache
def modules(package: str) -> list[Module]:
    return [read(path) for path in sorted((LIB / package).rglob("*.py"))]


ALL = [*modules("runbook"), *modules("practice")]
QUERIES = sorted((LIB / "runbook").rglob("*.sql"))


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[Module, Any]]:
    return ((module, node) for module in ALL for node in ast.walk(module.tree) if isinstance(node, kinds))


def wing(name: str) -> str:
    """`runbook.wires.ledger.reader` lives in `wires`."""
    return name.split(".")[1] if "." in name else ""


def test_every_module_has_a_floor():
    assert sorted({wing(module.name) for module in modules("runbook")} - set(FLOOR) - {""}) == []


def test_imports_point_down():
    up = [
        f"{module}:{line} (floor {FLOOR[wing(module.name)]}) imports {name} (floor {FLOOR[wing(name)]})"
        for module in modules("runbook")
        for line, name in module.imports()
        if name.startswith("runbook.") and FLOOR.get(wing(name), 0) > FLOOR.get(wing(module.name), 0)
    ]
    assert up == []


def test_nothing_imports_in_a_circle():
    """Names that are imported for their type alone may look back; code may not."""
    known = {module.name for module in ALL}
    graph = {
        module.name: {
            target
            for _, name in module.imports(types_too=False)
            for target in [name if name in known else name.rpartition(".")[0]]
            # Naming a sibling goes through the package, which may itself gather what its modules offer.
            if target in known and target not in (module.name, module.package)
        }
        for module in ALL
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))


@pytest.mark.parametrize(("one", "other"), [("practice", "runbook"), ("runbook", "practice")])
def test_the_two_sides_meet_only_over_the_wire(one, other):
    """Shared code would hide a shared mistake; the practice world is an independent witness."""
    met = [
        f"{module}:{line}" for module in modules(one) for line, name in module.imports() if name.split(".")[0] == other
    ]
    assert met == []


def test_only_repair_knows_the_writers():
    writers = {
        node.name
        for module in modules("runbook")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith("Writer")
    }
    assert writers, "there are writers to look for"
    seen = [
        f"{module}:{node.lineno}"
        for module in modules("runbook")
        if wing(module.name) not in ("repair", "wires")
        for node in ast.walk(module.tree)
        if {getattr(node, key, None) for key in ("id", "attr", "name")} & writers
    ]
    assert seen == []


def test_a_query_begins_with_its_question_and_only_reads():
    assert QUERIES
    for query in QUERIES:
        text = query.read_text(encoding="utf-8")
        assert re.match(r"-- [A-Z].*\?\n", text), f"{query}: the first line is the question, as a comment"
        code = re.sub(r"'[^']*'", "''", re.sub(r"--.*", "", text)).strip()
        assert re.match(r"(SELECT|WITH)\b", code), query
        assert ";" not in code.removesuffix(";"), f"{query}: one question, one statement"
        assert not CLOCKS.search(code), f"{query}: time is a parameter, `as_of`"
        assert not re.search(r"\b(insert|update|delete|merge|copy|into)\b", code, re.IGNORECASE), query


def test_importing_opens_no_socket_and_starts_no_process():
    """An import that connects would read a real system before anybody has named a target."""
    names = [module.name for module in ALL]
    script = f"""
import importlib, sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "os.fork", "os.forkpty"):
        raise AssertionError(f"{{event}}{{arguments}}")
sys.addaudithook(refuse)
for name in {names!r}:
    try:
        importlib.import_module(name)
    except BaseException as error:
        sys.exit(f"{{name}}: {{type(error).__name__}}: {{error}}")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def broad(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(each is None or (isinstance(each, ast.Name) and each.id in BROAD) for each in kinds)


def test_no_failure_is_swallowed():
    for module, node in nodes(ast.ExceptHandler):
        assert node.type is not None, f"{module}:{node.lineno}: a bare except"
        silent = all(isinstance(each, ast.Pass | ast.Continue) for each in node.body)
        assert not (silent and broad(node.type)), f"{module}:{node.lineno}: whatever it was, nobody hears of it"
    for module, node in nodes(ast.Call):
        if getattr(node.func, "attr", getattr(node.func, "id", "")) == "suppress":
            assert not any(broad(kind) for kind in node.args), f"{module}:{node.lineno}: suppresses everything"


def test_money_is_never_a_float():
    for module, node in nodes(ast.AnnAssign, ast.arg):
        if node.annotation and "float" in ast.unparse(node.annotation):
            name = node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)
            assert not MONEY.search(name), f"{module}:{node.lineno}: `{name}` is money"
    for module, node in nodes(ast.BinOp, ast.Call):
        divides = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        converts = isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("float", "round")
        if divides or converts:
            names = [getattr(each, "attr", getattr(each, "id", "")) for each in ast.walk(node)]
            assert not any(map(MONEY.search, names)), f"{module}:{node.lineno}: {ast.unparse(node)}"


def test_a_module_is_short_and_says_what_it_is():
    long = {str(module): lines for module in ALL if (lines := module.text.count("\n")) > LINES_MAX}
    silent = [str(module) for module in ALL if module.tree.body and not ast.get_docstring(module.tree)]
    assert (long, silent) == ({}, [])


def test_nobody_bends_the_path():
    """lib/ is on the path by way of one line that the launcher writes."""
    bent = [f"{module}:{node.lineno}" for module, node in nodes(ast.Attribute) if ast.unparse(node) == "sys.path"]
    assert bent == []


def test_the_root_holds_the_house_and_nothing_else(tracked_files: list[Path]):
    there = {file.relative_to(ROOT).parts[0] for file in tracked_files}
    assert {name for name in there if not name.startswith(".")} == AT_THE_ROOT


@pytest.mark.parametrize(("what", "words"), [
    ("unfinished work", UNFINISHED), ("a path of somebody's machine", MACHINE), ("the host of a package index", INDEX),
])  # fmt: skip
def test_no_tracked_file_holds(what: str, words: re.Pattern[str], tracked_files: list[Path]):
    found = [
        f"{file.relative_to(ROOT)}:{number}: {hit[0]}"
        for file in tracked_files
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if (hit := words.search(line))
    ]
    assert found == [], what
