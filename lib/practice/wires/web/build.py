"""What a build makes of the environment: a page into which every NEXT_PUBLIC_ variable is baked."""

import json
from collections.abc import Mapping
from pathlib import Path

PUBLIC = "NEXT_PUBLIC_"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Shop</title></head>
<body><h1>Shop</h1><div id="checkout"></div>
<script id="environment" type="application/json">{environment}</script></body></html>
"""


def build(environment: Mapping[str, str], place: Path) -> Path:
    """Write the page of this environment into the file `place`. A later change of the environment does not reach it."""
    public = {name: value for name, value in sorted(environment.items()) if name.startswith(PUBLIC)}
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.write_text(PAGE.format(environment=json.dumps(public).replace("<", "\\u003c")))
    return place
