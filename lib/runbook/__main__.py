"""The command line, as the launcher calls it: `python -m runbook COMMAND …`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from runbook import headless, target
from runbook.errors import RunbookError
from runbook.incident import Incident, clock_of, directory_of, open_incident
from runbook.journal import Journal

USAGE_ERROR = 64


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"runbook: {message}. See ./runbook --help.", file=sys.stderr)
        sys.exit(USAGE_ERROR)


def parser() -> Parser:
    top = Parser(prog="runbook", add_help=True)
    commands = top.add_subparsers(dest="command", required=True, parser_class=Parser)

    def command(name: str, action: Any, *positional: str, **options: dict[str, Any]) -> None:
        sub = commands.add_parser(name)
        sub.set_defaults(action=action)
        for word in positional:
            sub.add_argument(word)
        for option, settings in options.items():
            sub.add_argument(f"--{option}", **settings)

    needed, text = {"required": True}, {"default": ""}
    window = {"window_start": text, "window_end": text, "symptom": text}
    command("respond", respond, target=needed, incident=text, **window)
    command("lab", lab, target=needed, notebook={"default": "00_triage"}, incident=text)
    command("approve", approve, "incident", "plan")
    command("apply", apply, "incident", "plan")
    command("undo", undo, "incident")
    command("verify-record", verify_record, "incident")
    command("doctor", doctor, target=needed, json={"action": "store_true"})
    run = commands.add_parser("run")
    run.set_defaults(action=run_notebook)
    run.add_argument("notebook")
    run.add_argument("-f", "--file", required=True)
    return top


def respond(given: argparse.Namespace) -> int:
    """Triage, the scenario it names, reconciliation, verification; dry. Ends with `incident …` on standard output."""
    opened = open_incident(given.target, given.incident, given.window_start, given.window_end, given.symptom)
    shared = {"target": given.target, "incident": opened.id}
    run_one("00_triage", shared)
    scenario = diagnosed(opened)["next_notebook"]
    for notebook in (scenario, "20_reconciliation", "30_verification"):
        if notebook and (headless.NOTEBOOKS / f"{notebook}.ipynb").exists():
            run_one(notebook, shared)
        elif notebook:
            say(f"{notebook} does not exist yet; go on by hand with what triage found.")
    return conclude(opened.id)


def diagnosed(opened: Incident) -> dict[str, Any]:
    return opened.journal.entries("diagnosis")[-1].body["diagnosis"]


def run_one(notebook: str, parameters: dict[str, Any]) -> headless.Run:
    """Run a notebook and say in one line how it went."""
    done = headless.run(notebook, parameters)
    say(f"{done.notebook:34} {done.seconds:5.1f} s  {done.headline}")
    return done


def conclude(incident: str) -> int:
    """Write record and report, say where they lie, and turn the record into an exit code."""
    from runbook import record
    from runbook.display import report

    directory = directory_of(incident)
    folded = record.write(directory)
    say(f"report {report.write(directory, folded)}")
    for plan in folded["plans"]:
        if plan["state"] == "awaiting approval" and plan["steps"]:
            say(f"{plan['fingerprint']} awaits approval ({plan['steps']} steps, {plan['remedy']}): "
                f"./runbook approve {incident} {plan['fingerprint']}")  # fmt: skip
    print(f"incident {incident}")
    return record.exit_code(folded)


def run_notebook(given: argparse.Namespace) -> int:
    return conclude(run_one(given.notebook, headless.parameter_file(given.file)).incident)


def approve(given: argparse.Namespace) -> int:
    from runbook import planning

    journal = Journal(directory_of(given.incident) / "journal.jsonl")
    settings = target.load(opened_for(journal))
    yes = planning.approve(journal, given.plan, settings.policy.approval_minutes, clock_of(settings))
    say(f"{yes.plan} approved by {yes.login} on {yes.host} until {yes.until}. This is as strong as the accounts of "
        f"the operating system. Carry it out: ./runbook apply {given.incident} {given.plan}")  # fmt: skip
    return 0


def opened_for(journal: Journal) -> str:
    return journal.entries("opened")[0].body["target"]


def apply(given: argparse.Namespace) -> int:
    """Run the notebook that made the plan once more, with the plan named."""
    from runbook import planning

    journal = Journal(directory_of(given.incident) / "journal.jsonl")
    made, _ = planning.sealed(journal, given.plan)
    parameters = {"target": opened_for(journal), "incident": given.incident, "approved_plan": given.plan}
    run_one(made.notebook, parameters)
    return conclude(given.incident)


def undo(given: argparse.Namespace) -> int:
    """Seal a plan that takes back what was applied; it needs an approval like any other."""
    from runbook import planning
    from runbook.display import nouns, text

    journal = Journal(directory_of(given.incident) / "journal.jsonl")
    plan = planning.plan_undo(open_incident(opened_for(journal), given.incident))
    print(text.render(nouns.card(plan)))
    say(f"approve it: ./runbook approve {given.incident} {plan.fingerprint}")
    return 3


def verify_record(given: argparse.Namespace) -> int:
    entries = Journal(directory_of(given.incident) / "journal.jsonl").entries()
    say(f"{given.incident}: {len(entries)} entries, an unbroken chain; head {entries[-1].hash}")
    return 0


def doctor(given: argparse.Namespace) -> int:
    from runbook import doctor as ward

    found = ward.examine(target.load(given.target))
    print(json.dumps(ward.to_json(found), indent=2) if given.json else ward.table(found))
    answers = {each.answer for each in found}
    return 1 if "wrong" in answers else 2 if "cannot tell" in answers else 0


def lab(given: argparse.Namespace) -> int:
    from runbook import lab as workbench

    return workbench.open_lab(given.target, given.incident, headless.notebook_path(given.notebook).stem)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    given = parser().parse_args(arguments)
    try:
        return given.action(given)
    except RunbookError as error:
        say(f"runbook: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("runbook: stopped; nothing that was begun is lost, run the same command again to go on.")
        return 130
    except BrokenPipeError:
        os.close(sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
