"""`./runbook bench NAME`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from tests.bench import diagnosis, response

BENCHES = {"diagnosis": diagnosis.measure, "response": response.measure}


def main(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] not in BENCHES:
        print(f"bench: name one of: {', '.join(BENCHES)}.", file=sys.stderr)
        return 64
    figures = BENCHES[arguments[0]](arguments[1:])
    for name, value in figures.items():
        print(f"{name:52} {value:>8}")
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
