"""`report.html`: one self-contained page of an incident, safe to open and to attach.

The notebooks' own outputs come through nbconvert with sanitising on; everything else is escaped by the template. No
script, no style sheet and no picture is fetched from anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runbook import money

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1f2328;margin:0 auto;max-width:76em;padding:1.5em}
h1{margin:.2em 0}nav a{margin-right:1em}table{border-collapse:collapse}td,th{padding:.2em .9em .2em 0;text-align:left;
vertical-align:top}pre{white-space:pre-wrap;font-size:13px;overflow-wrap:anywhere}section{border-top:1px solid #d0d7de;
margin-top:2em}.jp-InputArea pre,.highlight pre{background:#f6f8fa;padding:.5em}img{max-width:100%}
.verdict{font-size:1.2em;font-weight:600}.jp-InputPrompt,.jp-OutputPrompt,.prompt,.anchor-link{display:none}
"""

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width"><title>{{ r.incident }}</title><style>{{ style|safe }}</style></head>
<body><h1>{{ r.incident }}</h1>
<p class="verdict">{{ r.verdict|replace("_", " ") }} · {{ r.diagnosis.causes|join(", ") }}</p>
<p>{{ r.diagnosis.sentence }} Affected: {{ r.impact.payments }} payments of {{ r.impact.users }} users, {{ impact }}.</p>
<table><tr><th>target</th><td>{{ r.target }} ({{ r.mode }})</td></tr><tr><th>opened</th><td>{{ r.opened_at }}</td></tr>
<tr><th>window</th><td>{{ r.window|join(" to ") }}</td></tr>
<tr><th>outcomes</th><td>{{ r.outcomes.applied }} applied, {{ r.outcomes.already_done }} already done,
{{ r.outcomes.withheld }} withheld</td></tr>
<tr><th>escalation</th><td>level {{ r.escalation.level }}: {{ r.escalation.reasons|join("; ") }}</td></tr>
<tr><th>journal head</th><td><code>{{ r.journal_head }}</code></td></tr></table>
{% if r.checks.before or r.checks.after %}<h2>Checks</h2><table><tr><th>check</th><th>before</th><th>after</th></tr>
{% for row in checks %}<tr><td>{{ row[0] }}</td><td>{{ row[1] }}</td><td>{{ row[2] }}</td></tr>{% endfor %}</table>{% endif %}
{% if r.plans %}<h2>Plans</h2><table>{% for p in r.plans %}<tr><td><code>{{ p.fingerprint }}</code></td>
<td>{{ p.remedy }}</td><td>{{ p.steps }} steps</td><td>{{ p.state }}</td></tr>{% endfor %}</table>{% endif %}
{% if r.work_list %}<h2>Left to a person</h2><table>{% for w in r.work_list %}<tr><td><code>{{ w.payment }}</code></td>
<td>{{ amount(w) }}</td><td>{{ w.reason }}</td><td>{{ w.proposal }}</td></tr>{% endfor %}</table>{% endif %}
<nav>{% for name, _ in notebooks %}<a href="#{{ name }}">{{ name }}</a>{% endfor %}</nav>
{% for name, body in notebooks %}<section id="{{ name }}">{{ body|safe }}</section>{% endfor %}
</body></html>"""


def write(directory: Path, record: Mapping[str, Any]) -> Path:
    """Render the incident's record and every executed notebook into `report.html`."""
    from jinja2 import Environment

    page = Environment(autoescape=True).from_string(PAGE)
    content = page.render(
        r=record,
        style=STYLE,
        impact=money.show_total(record["impact"]["amounts_minor"]),
        checks=compared(record["checks"]),
        amount=lambda item: money.show(item["amount_minor"], item["currency"]),
        notebooks=[(path.stem, body_of(path)) for path in in_order(directory)],
    )
    unfinished = directory / f".report-{os.getpid()}.html"
    unfinished.write_text(content, encoding="utf-8")
    os.replace(unfinished, directory / "report.html")
    return directory / "report.html"


def in_order(directory: Path) -> list[Path]:
    """The executed notebooks in the order in which they were run."""
    return sorted(directory.glob("*.ipynb"), key=lambda path: path.stat().st_mtime_ns)


def body_of(path: Path) -> str:
    """One executed notebook as sanitised HTML, without its code's prompts."""
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(template_name="basic", sanitize_html=True, embed_images=True)
    return exporter.from_filename(str(path))[0]


def compared(checks: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Each check with its answer before and after."""
    answers = {
        phase: {each["statement"]: f"{each['answer']} ({each['because']})" for each in checks[phase]}
        for phase in ("before", "after")
    }
    statements = dict.fromkeys([*answers["before"], *answers["after"]])
    return [(name, answers["before"].get(name, "—"), answers["after"].get(name, "—")) for name in statements]
