"""`./runbook drill` and `./runbook refresh`."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

BAD_USAGE, COULD_NOT_LOOK, INTERRUPTED = 64, 2, 130

# jsonschema compiles two grammars of rare string formats when it is imported, which takes a second or more, and does
# without them when their package cannot be imported.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"practice: {message}. See ./runbook --help.", file=sys.stderr)
        sys.exit(BAD_USAGE)


def parser() -> Parser:
    top = Parser(prog="./runbook")
    commands = top.add_subparsers(dest="command", required=True, parser_class=Parser)
    drill = commands.add_parser("drill", help="a whole incident on the practice world")
    drill.add_argument("cause", nargs="?", default="", help="a cause, or `random`; a sensible one when left out")
    drill.add_argument("--seed", type=natural, help="repeat the drill that had this seed")
    drill.add_argument("--lab", action="store_true", help="JupyterLab on the broken world instead of a headless run")
    refresh = commands.add_parser("refresh", help="run the notebooks on the fixture world and keep the outputs")
    refresh.add_argument("notebooks", nargs="*", help="names; all when left out")
    return top


def natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a seed is a whole number from 0 on, not `{text}`")
    return int(text)


def run(given: argparse.Namespace) -> int:
    """Import late: `--help` and a mistyped option should cost nothing."""
    from practice import drill, refresh
    from practice.faults.fault import UnknownFault
    from practice.world import WorldError

    try:
        if given.command == "refresh":
            return refresh.refresh(given.notebooks)
        seed = drill.some_seed() if given.seed is None else given.seed
        cause = drill.choose(given.cause or drill.DEFAULT_CAUSE, seed)
        return drill.lab(cause, seed) if given.lab else drill.drill(cause, seed)
    except (UnknownFault, refresh.UnknownNotebook) as problem:
        drill.complain(str(problem))
        return BAD_USAGE
    except (WorldError, drill.DrillError) as problem:
        drill.complain(str(problem))
        return COULD_NOT_LOOK
    except refresh.RefreshError as problem:
        drill.complain(str(problem))
        return 1


def main(arguments: Sequence[str]) -> int:
    given = parser().parse_args(arguments)
    # A polite kill closes the world like Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        return run(given)
    except KeyboardInterrupt:
        print("practice: stopped; the world is closed and nothing of it runs on.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.close(sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
