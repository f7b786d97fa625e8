"""The command line, as the launcher calls it: `python -m runbook COMMAND …`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from runbook import headless, target
from runbook.errors import RunbookError
from runbook.incident import Incident, clock_of, directory_of, open_incident, opened_with, visit
from runbook.journal import Journal
from runbook.plan import Plan
from runbook.redact import one_line

RESPONSE_NOTEBOOKS = 4
APPROVED_NOTEBOOKS = 2  # the scenario's repair, and verification's test payment
COULD_NOT_LOOK, USAGE_ERROR, INTERRUPTED = 2, 64, 130


class Parser(argparse.ArgumentParser):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)  # an option means what it says, also in next year's version

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Name an option that is not there before the one that is missing because of it."""
        known = [option for action in self._actions for option in action.option_strings if option.startswith("--")]
        for word in () if self._subparsers else args or ():
            name = word.partition("=")[0]
            if word.startswith("--") and name not in known:
                shown = [option for option in known if "_" not in option]
                self.error(f"there is no option `{name}`; {headless.suggestion(name, shown)}")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        told = one_line(message)
        say(f"runbook: {told}{'' if told.endswith(('.', '?')) else '.'} See ./runbook --help.")
        sys.exit(USAGE_ERROR)


def parser() -> Parser:
    top = Parser(prog="runbook")
    commands = top.add_subparsers(dest="command", required=True, parser_class=Parser)

    def command(name: str, action: Any, *positional: str, **options: dict[str, Any]) -> None:
        sub = commands.add_parser(name)
        sub.set_defaults(action=action)
        for word in positional:
            sub.add_argument(word)
        for option, settings in options.items():
            names = dict.fromkeys([f"--{option.replace('_', '-')}", f"--{option}"])  # a parameter is spelt with _
            sub.add_argument(*names, **settings)

    needed, text = {"required": True}, {"default": ""}
    window = {"window_start": text, "window_end": text, "symptom": text}
    minutes = {"type": count, "default": 0}
    command("respond", respond, target=needed, incident=text, wait=minutes, **window)
    command("lab", lab, target=needed, notebook={"default": "00_triage"}, incident=text)
    command("approve", approve, "incident", "plan")
    command("apply", apply, "incident", "plan")
    command("undo", undo, "incident")
    command("restart", restart, "incident")
    command("verify-record", verify_record, "incident")
    command("payment", payment, "id_or_email", target=needed)
    command("doctor", doctor, target=needed, json={"action": "store_true"})
    run = commands.add_parser("run")
    run.set_defaults(action=run_notebook)
    run.add_argument("notebook")
    run.add_argument("-f", "--file", required=True)
    return top


def count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a number of minutes from 0 on, not `{text}`")
    return int(text)


def respond(given: argparse.Namespace) -> int:
    """Triage, the scenario it names, reconciliation, verification; dry. Ends with `incident …` on standard output.

    A notebook that stops is told, and the next ones run: they may see what it could not. With `--wait` it stays so
    many minutes and carries out what is approved meanwhile.
    """
    target.load(given.target)  # a name that is mistyped starts no kernel
    with headless.Kernels(RESPONSE_NOTEBOOKS + (APPROVED_NOTEBOOKS if given.wait else 0)) as kernels:
        opened = open_incident(given.target, given.incident, given.window_start, given.window_end, given.symptom)
        say(f"{opened.id}, kept in {opened.directory}")
        shared = {"target": given.target, "incident": opened.id}
        codes = [run_one(headless.prepare("00_triage", shared), kernels)]
        for notebook in (next_notebook(opened), "20_reconciliation", "30_verification"):
            if notebook:
                codes.append(run_one(headless.prepare(notebook, shared), kernels))
        code = conclude(opened.id, codes)
        while given.wait and (plan := next_approved(opened, given.wait)):
            ready = headless.prepare(plan["notebook"], {**shared, "approved_plan": plan["fingerprint"]})
            code = conclude(opened.id, [run_one(ready, kernels)])
    return code


def next_approved(opened: Incident, minutes: int) -> dict[str, Any] | None:
    """Name the plans that wait for a yes on standard output, as `plan …`, and wait for one."""
    waiting = [plan for plan in headless.open_plans(opened.directory) if plan["state"] == "awaiting approval"]
    for plan in waiting:
        print(f"plan {plan['fingerprint']}", flush=True)
    if waiting:
        say(f"waiting up to {minutes} min for an approval; Ctrl-C ends it, and nothing is lost")
    return headless.next_approved(opened.directory, minutes)


def next_notebook(opened: Incident) -> str:
    """The notebook that triage named; empty when it named none, or did not come so far."""
    entries = opened.journal.entries("diagnosis")
    return entries[-1].body["diagnosis"]["next_notebook"] if entries else ""


def run_one(ready: headless.Prepared, kernels: headless.Kernels) -> int:
    """Run a notebook, say in one line how it went, and return 0, or the code of what stopped it."""
    from runbook.display import report

    report.ahead(directory_of(ready.incident))
    try:
        done = headless.carry_out(ready, kernels)
    except RunbookError as error:
        say(f"runbook: {one_line(str(error))}")
        return error.exit_code
    say(f"{done.notebook:34} {done.seconds:5.1f} s  {done.headline}")
    report.ahead(directory_of(ready.incident))
    return 0


def conclude(incident: str, codes: Sequence[int]) -> int:
    """Write record and report, say where they lie, and turn the record into an exit code. What stopped comes first:
    a notebook that did not run through has shown nothing to be well."""
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
    return next((code for code in codes if code), record.exit_code(folded))


def run_notebook(given: argparse.Namespace) -> int:
    headless.notebook_path(given.notebook)
    return run_alone(given.notebook, headless.parameter_file(given.file))


def run_alone(notebook: str, parameters: dict[str, Any]) -> int:
    """Run one notebook and conclude. No kernel is started for what is misspelt; a good one's starts while its
    incident is opened."""
    accepted = headless.accept(notebook, parameters)
    with headless.Kernels(1) as kernels:
        ready = headless.enter(accepted)
        code = run_one(ready, kernels)
    return conclude(ready.incident, [code])


def approve(given: argparse.Namespace) -> int:
    from runbook import planning

    journal = journal_of(given.incident)
    planning.sealed(journal, given.plan)
    settings = target.load(opened_with(journal)["target"])
    policy = settings.policy
    yes = planning.approve(journal, given.plan, policy.approval_minutes, clock_of(settings), policy.plan_minutes)
    say(f"{yes.plan} approved by {yes.login} on {yes.host} until {yes.until}. This is as strong as the accounts of "
        f"the operating system. Carry it out: ./runbook apply {given.incident} {given.plan}")  # fmt: skip
    return 0


def journal_of(incident: str) -> Journal:
    """The journal of an incident that exists. Raises BadInput, and BrokenRecord for one that cannot be trusted."""
    journal = Journal(directory_of(incident) / "journal.jsonl")
    opened_with(journal)
    return journal


def apply(given: argparse.Namespace) -> int:
    """Run the notebook that made the plan once more, with the plan named."""
    from runbook import planning

    journal = journal_of(given.incident)
    made, _ = planning.sealed(journal, given.plan)
    parameters = {"target": opened_with(journal)["target"], "incident": given.incident, "approved_plan": given.plan}
    return run_alone(made.notebook, parameters)


def undo(given: argparse.Namespace) -> int:
    """Seal a plan that takes back what was applied; it needs an approval like any other."""
    from runbook import planning

    return show_plan(planning.plan_undo(joined(given.incident)), given.incident)


def restart(given: argparse.Namespace) -> int:
    """Seal a plan that starts the service anew, its logs kept first."""
    from runbook import planning

    return show_plan(planning.plan_restart(joined(given.incident)), given.incident)


def joined(incident: str) -> Incident:
    return open_incident(opened_with(journal_of(incident))["target"], incident)


def show_plan(plan: Plan, incident: str) -> int:
    from runbook.display import nouns, text

    print(text.render(nouns.card(plan)))
    if not plan:
        return COULD_NOT_LOOK
    say(f"approve it: ./runbook approve {incident} {plan.fingerprint}")
    return 3


def verify_record(given: argparse.Namespace) -> int:
    entries = journal_of(given.incident).entries()
    say(f"{given.incident}: {len(entries)} entries, an unbroken chain; head {entries[-1].hash}")
    return 0


def doctor(given: argparse.Namespace) -> int:
    from runbook import doctor as ward

    found = ward.examine(target.load(given.target))
    print(json.dumps(ward.to_json(found), indent=2) if given.json else ward.table(found))
    answers = {each.answer for each in found}
    return 1 if "wrong" in answers else 2 if "cannot tell" in answers else 0


def payment(given: argparse.Namespace) -> int:
    """One payment or one person on both sides. Belongs to no incident, and keeps nothing."""
    from runbook.display import story
    from runbook.evidence.timeline import answer

    found = answer(visit(given.target), given.id_or_email)
    print(story.page(found))
    return found.exit_code


def lab(given: argparse.Namespace) -> int:
    from runbook import lab as workbench

    return workbench.open_lab(given.target, given.incident, headless.notebook_path(given.notebook).stem)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    given = parser().parse_args(arguments)
    if moved := os.environ.get("RUNBOOK_OUTPUTS"):
        os.environ["RUNBOOK_OUTPUTS"] = str(Path(moved).absolute())  # a kernel works in another folder than we do
    try:
        return given.action(given)
    except RunbookError as error:
        say(f"runbook: {one_line(str(error))}")
        return error.exit_code
    except KeyboardInterrupt:
        say("runbook: stopped; nothing that was begun is lost, run the same command again to go on.")
        return INTERRUPTED
    except BrokenPipeError:
        os.close(sys.stdout.fileno())
        return 0
    except OSError as error:
        say(f"runbook: {error.filename or 'A file'} could not be used: {error.strerror}. Put that right and run again.")
        return COULD_NOT_LOOK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
