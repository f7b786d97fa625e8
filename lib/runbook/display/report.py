"""`report.html`: one self-contained page of an incident, safe to open and to attach.

The notebooks' own outputs come through nbconvert with sanitising on; everything else is escaped by the template. No
script, no style sheet and no picture is fetched from anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from runbook import money

# One at a time, beside whatever runs: rendering, and importing what renders, takes longer than many a notebook.
ASIDE = ThreadPoolExecutor(1)
TEMPLATE = Path(__file__).with_suffix(".html.j2")


def write(directory: Path, record: Mapping[str, Any]) -> Path:
    """Render the incident's record and every executed notebook into `report.html`."""
    from jinja2 import Environment

    page = Environment(autoescape=True).from_string(TEMPLATE.read_text(encoding="utf-8"))
    content = page.render(
        r=record,
        impact=money.show_total(record["impact"]["amounts_minor"]),
        checks=compared(record["checks"]),
        amount=lambda item: money.show(item["amount_minor"], item["currency"]),
        notebooks=ahead(directory).result(),
    )
    unfinished = directory / f".report-{os.getpid()}.html"
    unfinished.write_text(content, encoding="utf-8")
    os.replace(unfinished, directory / "report.html")
    return directory / "report.html"


def ahead(directory: Path) -> Future[list[tuple[str, str]]]:
    """Begin to render what has been executed so far, and go on; `write` will find it done."""
    return ASIDE.submit(bodies, directory)


def in_order(directory: Path) -> list[Path]:
    """The executed notebooks in the order in which they were run."""
    return sorted(directory.glob("*.ipynb"), key=lambda path: path.stat().st_mtime_ns)


# What prose and cards are made of, and nothing that acts or loads.
TAGS = frozenset({
    "a", "b", "blockquote", "br", "code", "dd", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "hr", "i",
    "li", "ol", "p", "pre", "s", "span", "strong", "summary", "table", "tbody", "td", "th", "thead", "tr", "ul",
})  # fmt: skip
STYLES = (
    "border", "border-bottom", "border-collapse", "border-left", "color", "font-size", "font-weight", "margin",
    "max-width", "padding", "text-align", "vertical-align", "white-space",
)  # fmt: skip
ATTRIBUTES = {"*": ["style", "class"], "a": ["href"]}


def bodies(directory: Path) -> list[tuple[str, str]]:
    """Each executed notebook's name and its sanitised HTML. An executed notebook never changes, so each is rendered
    once and its HTML kept beside it."""
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(template_name="basic", sanitize_html=True, filters={"clean_html": cleaner()})
    kept = directory / ".report"
    kept.mkdir(exist_ok=True)
    notebooks = in_order(directory)
    for path in notebooks:
        if not (kept / f"{path.stem}.html").exists():
            (kept / f"{path.stem}.html").write_text(exporter.from_filename(str(path))[0], encoding="utf-8")
    return [(path.stem, (kept / f"{path.stem}.html").read_text(encoding="utf-8")) for path in notebooks]


def cleaner() -> Callable[[str | bytes], str]:
    """nbconvert's own filter escapes headings and styles as well; this one keeps them, and nothing that acts."""
    from bleach.css_sanitizer import CSSSanitizer
    from bleach.sanitizer import Cleaner

    clean = Cleaner(TAGS, ATTRIBUTES, css_sanitizer=CSSSanitizer(allowed_css_properties=STYLES)).clean
    return lambda fragment: clean(fragment.decode() if isinstance(fragment, bytes) else str(fragment))


def compared(checks: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Each check with its answer before and after."""
    answers = {
        phase: {each["statement"]: f"{each['answer']} ({each['because']})" for each in checks[phase]}
        for phase in ("before", "after")
    }
    statements = dict.fromkeys([*answers["before"], *answers["after"]])
    return [(name, answers["before"].get(name, "—"), answers["after"].get(name, "—")) for name in statements]
