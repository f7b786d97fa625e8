"""Steps that tell somebody something: a mail, a task, a message. Claimed in the journal before they are sent, each by
itself, so that after a crash only the one that was under way is in doubt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runbook.errors import CannotLook
from runbook.evidence import people, sendings
from runbook.incident import Incident, readable
from runbook.judgement.aftermath import LEFT, SETTLED
from runbook.plan import AlreadyDone, Applied, Outcome, Step, Withheld
from runbook.redact import mask
from runbook.repair.context import Context
from runbook.wires.messages import NOT_SENT, SENT, ChatWriter, MailWriter, Sending, TaskWriter

# What a payment must still be for the letter about it to be true.
TRUE_WHILE = {"confirmation": SETTLED, "refund": LEFT}
IN_DOUBT = "it may have been sent already: {}; look there, and do it by hand where it is missing"
WHERE = {
    "send_mail": "the mail host's log knows it by its Message-ID",
    "create_task": "the tracker knows it by the incident's id",
    "post_message": "the channel shows it",
}


def send_mails(context: Context, steps: Sequence[Step]) -> list[Outcome]:
    """Each mail to the address that its person has now, if what it says is still true."""
    incident, writer = context.incident, MailWriter(context.incident.target.messages)
    incident.look_again()
    found = readable(lambda: people.current(incident))
    return [once(incident, step, lambda step=step: mail(incident, writer, step, found)) for step in steps]


def mail(incident: Incident, writer: MailWriter, step: Step, found: people.Current | CannotLook) -> Sending:
    if isinstance(found, CannotLook):
        return Sending(NOT_SENT, f"whether it is still true could not be read: {found}")
    rows = [found.get(name) for name in step.new["payments"]]
    if None in rows or any(row["became"] != TRUE_WHILE[step.new["template"]] or row["confirmed"] for row in rows):
        return Sending(NOT_SENT, "what it says is not true any more: its payments moved since the plan was made")
    address = rows[0]["address"]
    if mask(address) != step.new["to"]:
        return Sending(NOT_SENT, "the address changed since the plan was made")
    if step.new["template"] == "refund" and found.just_completed(address):
        return Sending(NOT_SENT, "a payment of theirs was just completed: nobody is told to ask for that money back")
    domain = incident.target.messages.sender.partition("@")[2] or "localhost"
    return writer.send(address, step.new["subject"], step.new["text"], message_id(step, domain))


def message_id(step: Step, domain: str) -> str:
    """From the step's key, so that the same mail has the same id whoever sends it; short, because a long header is
    folded, and not every mail host unfolds it."""
    return f"<{step.key.removeprefix('runbook-send_mail-')}@{domain}>"


def create_tasks(context: Context, steps: Sequence[Step]) -> list[Outcome]:
    writer = TaskWriter()
    return [once(context.incident, step, lambda step=step: writer.create(step.new)) for step in steps]


def post_messages(context: Context, steps: Sequence[Step]) -> list[Outcome]:
    writer = ChatWriter(context.incident.target.messages)
    return [once(context.incident, step, lambda step=step: writer.post(step.new["text"])) for step in steps]


def once(incident: Incident, step: Step, send: Callable[[], Sending]) -> Outcome:
    """Claim, send, and note what became of it. Whoever claims second, in whatever process, sends nothing."""
    about = list(step.new["about"])
    if before := found_before(incident, step):
        return before
    claim = incident.log("sending", key=step.key, about=about).seq
    if any(owner(incident, each) != claim for each in about):
        incident.log("unsent", key=step.key, about=about, claim=claim)
        return Withheld(step.key, IN_DOUBT.format("somebody else is sending it at this moment"))
    result = send()
    if result.state == SENT:
        incident.log("sent", key=step.key, about=about, claim=claim, detail=result.detail)
        return Applied(step.key, result.detail)
    if result.state == NOT_SENT:
        incident.log("unsent", key=step.key, about=about, claim=claim)
        return Withheld(step.key, result.detail)
    return Withheld(step.key, f"{result.detail}; {IN_DOUBT.format(WHERE[step.kind])}")


def found_before(incident: Incident, step: Step) -> Outcome | None:
    """What the journal says of it: sent, or claimed by somebody who never came back to say."""
    claims = sendings.claims(incident.journal.entries(*sendings.KINDS))
    known = [claims[each] for each in step.new["about"] if each in claims]
    if not known:
        return None
    if all(each.is_sent for each in known):
        return AlreadyDone(step.key, "the journal says that it was sent")
    return Withheld(step.key, IN_DOUBT.format(WHERE[step.kind]))


def owner(incident: Incident, thing: str) -> int:
    claim = sendings.claims(incident.journal.entries(*sendings.KINDS)).get(thing)
    return claim.seq if claim else 0
