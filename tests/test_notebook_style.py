"""How the committed notebooks read, and that what they show was made by running them."""

import ast
import re
import statistics
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))

# A sentence and three lines: notebooks that people love have code cells of two to four lines, and as much prose.
LINES_MEDIAN_MAX, LINES_MAX = 3, 12
# papermill reads no other types, and a parameter of another type disappears from its list without a word.
PARAMETER = re.compile(
    r"^(?P<name>[a-z_]+): (?P<type>(?:str|int|float|bool)|list\[(?:str|int|float|bool)\]) = (?P<default>.+?)"
    r"  # (?P<help>\S.+)$"
)
FIXTURE = {"target": "practice", "incident": "", "approved_plan": "", "watch_minutes": 0}
MACHINERY = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try, ast.For, ast.While, ast.With, ast.Lambda)
# What another run, or another machine, would show differently.
VOLATILE = {
    "an address with a port": re.compile(r"(127\.0\.0\.1|localhost|\[::1\]):\d+"),
    "a path of a machine": re.compile(r"/(tmp|var|home|root|work|private|Users|opt|mnt)/\w"),
    "an address in memory": re.compile(r"\b0x[0-9a-f]{6,}"),
    "a process": re.compile(r"\bpid[ =:]+\d+", re.IGNORECASE),
}

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def cells(notebook: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == kind]


def parameters(notebook: Path) -> list[re.Match[str] | None]:
    return [PARAMETER.match(line) for line in cells(notebook, "code")[0].source.splitlines()]


def test_there_are_notebooks():
    assert "00_triage" in [notebook.stem for notebook in NOTEBOOKS]


@every_notebook
def test_the_title_is_the_question(notebook):
    title = cells(notebook, "markdown")[0].source.splitlines()[0]
    assert re.match(r"# [A-Z].*\?$", title)


@every_notebook
def test_parameters_come_first_each_with_type_default_and_help(notebook):
    first, *rest = cells(notebook, "code")
    assert first.metadata.get("tags") == ["parameters"]
    assert not any(cell.metadata.get("tags") for cell in rest), "no cell is skipped, ignored or allowed to fail"
    for line, found in zip(first.source.splitlines(), parameters(notebook), strict=True):
        assert found, f"not `name: type = default  # help`: {line}"
        default = ast.literal_eval(found["default"])
        assert type(default).__name__ == found["type"].split("[")[0], line


@every_notebook
def test_what_runs_by_default_is_the_fixture_and_nothing_is_approved(notebook):
    defaults = {found["name"]: ast.literal_eval(found["default"]) for found in parameters(notebook)}
    assert list(defaults)[:2] == ["target", "incident"]
    assert {name: value for name, value in defaults.items() if name in FIXTURE and value != FIXTURE[name]} == {}
    assert not any(value for name, value in defaults.items() if re.search(r"plan|appro|window", name))


@every_notebook
def test_papermill_sees_every_parameter(notebook):
    # jsonschema, which it loads, compiles two grammars of rare formats for a second, and does without them.
    sys.modules.setdefault("rfc3987_syntax", None)
    import papermill

    seen = papermill.inspect_notebook(str(notebook))
    written = {found["name"]: found for found in parameters(notebook)}
    assert list(seen) == list(written)
    for name, found in written.items():
        told = seen[name]
        assert (told["inferred_type_name"], told["default"], told["help"]) == found.group("type", "default", "help")


@every_notebook
def test_a_cell_asks_and_the_library_works(notebook):
    for cell in cells(notebook, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, MACHINERY), f"{type(node).__name__} in {cell.id}"
            assert not isinstance(node, ast.Import), f"{cell.id}: import names from runbook"
            if isinstance(node, ast.ImportFrom):
                assert str(node.module).split(".")[0] == "runbook", f"{cell.id} imports {node.module}"
        assert not re.search(r"^\s*[%!]|NBVAL", cell.source, re.MULTILINE), cell.id


@every_notebook
def test_code_is_short_and_prose_is_not_missing(notebook):
    code, prose = cells(notebook, "code"), cells(notebook, "markdown")
    lines = {cell.id: len(cell.source.splitlines()) for cell in code}
    assert [each for each, count in lines.items() if count > LINES_MAX] == []
    assert statistics.median(lines.values()) <= LINES_MEDIAN_MAX
    assert len(prose) >= len(code), f"{len(prose)} cells of prose for {len(code)} of code"


@every_notebook
def test_every_section_says_more_than_its_heading(notebook):
    text = "\n".join(
        cell.source if cell.cell_type == "markdown" else "<code>"
        for cell in nbformat.read(notebook, as_version=4).cells
    )
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert sections
    bare = [each.splitlines()[0] for each in sections if not each.split("<code>")[0].partition("\n")[2].strip()]
    assert bare == [], "a heading, and then code without a word"


@every_notebook
def test_it_was_run_from_top_to_bottom_without_an_error(notebook):
    code = cells(notebook, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "./runbook refresh"
    assert [cell.id for cell in code for output in cell.outputs if output.output_type == "error"] == []
    assert [cell.id for cell in code for output in cell.outputs if output.get("name") == "stderr"] == []


@every_notebook
def test_it_shows_nothing_that_another_run_would_not(notebook):
    for cell in cells(notebook, "code"):
        for text in shown(cell):
            for what, words in VOLATILE.items():
                assert not words.search(text), f"{what} in {cell.id}: {words.search(text)[0]}"


def shown(cell: nbformat.NotebookNode) -> list[str]:
    """The texts of a cell's outputs; pictures are left out."""
    streams = [output["text"] for output in cell.outputs if output.output_type == "stream"]
    data = [output["data"] for output in cell.outputs if "data" in output]
    return streams + [str(text) for each in data for kind, text in each.items() if not kind.startswith("image/p")]


@every_notebook
def test_it_keeps_nothing_of_the_machine_that_ran_it(notebook):
    book = nbformat.read(notebook, as_version=4)
    nbformat.validate(book)
    assert set(book.metadata) == {"kernelspec", "language_info"}
    assert set(book.metadata.language_info) == {"name"}
    assert all(set(cell.metadata) <= {"tags"} for cell in book.cells)


@every_notebook
def test_it_opens_and_closes_in_its_own_name(notebook):
    """The record lists what ran by these names."""
    opening = [call for cell in cells(notebook, "code") for call in calls(cell, "open_incident")]
    assert [ast.literal_eval(call.args[0]) for call in opening] == [notebook.stem]
    last = ast.parse(cells(notebook, "code")[-1].source).body[-1]
    assert isinstance(last, ast.Expr)
    assert ast.unparse(last.value.func) == "response.finish"
    assert ast.literal_eval(last.value.args[1]) == notebook.stem


def calls(cell: nbformat.NotebookNode, name: str) -> list[ast.Call]:
    found = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
    return [call for call in found if ast.unparse(call.func).split(".")[-1] == name]
