"""Where: one environment, read from `parameters/targets/NAME.yaml` and validated as a whole.

Any value may be `env:NAME`. Secrets must be; they are held by name and revealed by the wire that needs them, so that
write credentials are read by `repair` alone and no secret ever lies in a parameter, an output or a traceback.
"""

from __future__ import annotations

import difflib
import os
import re
import types
import typing
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml

from runbook.errors import BadInput

TARGETS = Path(__file__).resolve().parents[2] / "parameters" / "targets"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Secret:
    """A secret by the name of its environment variable; printing it shows the name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"env:{self.name}" if self.name else "(none)"

    def __bool__(self) -> bool:
        return bool(self.name)

    def reveal(self) -> str:
        """The value; an unset or empty variable is an error that names it."""
        value = os.environ.get(self.name, "") if self.name else ""
        if not value:
            raise BadInput(missing(self.name, "a secret") if self.name else "This target names no such secret.")
        return value


NO_SECRET = Secret("")


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A section of the target file."""


class Gateway(Part):
    expected_mode: Literal["live", "test"]
    read_key: Secret
    write_key: Secret = NO_SECRET
    publishable_key: Secret = NO_SECRET
    webhook_secret: Secret = NO_SECRET
    api_base: str = "https://api.stripe.com"
    account: str = ""  # acct_…, empty: whatever the key opens
    status_urls: tuple[str, ...] = ("https://status.stripe.com/current",)
    requests_per_second: Positive = 15  # of the 25 that Stripe allows an endpoint; the rest is the checkout's
    timeout_seconds: Positive = 10
    user_metadata: str = "userId"  # the metadata key under which the service names the paying user
    test_payment_method: str = "pm_card_visa"  # for test payments, which live targets never make


class Columns(Part):
    """The ledger's own column names; an empty name means that the table has no such column."""

    id: str
    intent_id: str
    user_id: str
    amount: str
    status: str
    created_at: str
    currency: str = ""
    updated_at: str = ""
    order_key: str = ""
    failure_reason: str = ""
    confirmation_sent_at: str = ""


class Users(Part):
    table: str
    id: str
    email: str
    customer: str = ""  # the gateway's cus_… id, a second proof of who owns a payment


class Events(Part):
    """Where the service notes the events it has handled; proves whether a redelivery would be skipped."""

    table: str
    id: str


class Ledger(Part):
    read_dsn: Secret
    database: str  # the name that the DSN must lead to
    columns: Columns
    status: dict[Literal["pending", "completed", "failed", "refunded", "disputed", "canceled"], tuple[str, ...]]
    write_dsn: Secret = NO_SECRET
    schema: str = "public"
    table: str = "Transaction"
    amount_unit: Literal["minor", "major"] = "minor"
    currency: str = ""  # for a table without a currency column
    users: Users | None = None
    events: Events | None = None
    # schema: the write role may create schema runbook in this database, and each changed row gets its audit row in the
    # same transaction. journal: it may not, and the incident's journal alone keeps the audit.
    audit: Literal["schema", "journal"] = "journal"
    statement_timeout_seconds: Positive = 20


class Paths(Part):
    health: str = "/api/health"
    customers: str = "/api/customers"
    create_intent: str = "/api/payments/create-intent"
    payments: str = "/api/payments/"  # what the error share is measured on
    webhook: str = "/api/webhooks/stripe"


class Service(Part):
    base_url: str
    webhook_url: str  # exactly as registered with the gateway
    names: tuple[str, ...]  # Swarm service, Compose service or container names
    docker_host: str = ""  # empty: DOCKER_HOST, or the local socket
    admin_token: Secret = NO_SECRET
    log_format: Literal["auto", "json", "nestjs", "logfmt"] = "auto"
    log_lines_max: Positive = 200_000
    paths: Paths = Paths()
    timeout_seconds: Positive = 10


class Messages(Part):
    smtp_host: str = ""
    smtp_port: Positive = 587
    chat_url: Secret = NO_SECRET


class Thresholds(Part):
    """Every number of the runbook."""

    window_hours: Positive = 24
    stuck_after_minutes: Positive = 30  # pending for longer *and* paid at the gateway is stuck
    one_off_up_to: Count = 2  # this many stuck payments are somebody's bad luck
    system_wide_above: Positive = 10  # more than this many are an outage; between the two: "several"
    webhook_failures_in_a_row: Positive = 3
    error_share_percent: Percent = 5  # failing requests on the payment paths
    success_rate_percent: Percent = 95  # customers' own declines excluded
    success_window_minutes: Positive = 30
    # A webhook normally arrives within seconds; two minutes cover a slow one. Before that "missing" means "not yet".
    grace_seconds: Positive = 120
    # Stripe answers a redelivery request at once and delivers within seconds.
    delivery_wait_seconds: Positive = 20
    # Stripe keeps events for 30 days; what is older can only be settled directly.
    redelivery_days: Positive = 30


class Level(Part):
    after_minutes: Count
    contact: str
    action: str


class Escalation(Part):
    levels: tuple[Level, ...] = ()
    amount_usd_above: Count = 10_000
    usd_rates: dict[str, str] = {}  # "eur": "1.08": US dollars for one unit, as decimal text


class Policy(Part):
    """What a plan may do at the most; more needs a changed file, which is a reviewed commit."""

    rows_max: Positive = 500
    amount_minor_max: dict[str, int] = {}  # by currency, the sum that one plan may touch; absent: no limit
    second_person_above_steps: Count = 0  # plans with more steps need an approver other than the planner; 0: never
    plan_minutes: Positive = 60
    approval_minutes: Positive = 30
    batch_rows: Positive = 500


class About(Part):
    owner: str = ""
    review_date: str = ""
    refund_procedure: str = ""
    reconciliation_guide: str = ""


class Target(Part):
    environment: Literal["practice", "staging", "production"]
    gateway: Gateway
    ledger: Ledger
    service: Service
    messages: Messages = Messages()
    thresholds: Thresholds = Thresholds()
    escalation: Escalation = Escalation()
    policy: Policy = Policy()
    about: About = About()
    name: str = ""  # the file's, set when it is loaded
    fixed_clock: str = ""  # one constant instant; practice alone may have it


def load(name: str, directory: Path | None = None) -> Target:
    """The target called `name`.

    Raises BadInput naming the file, the key, what was wrong and what is allowed.
    """
    directory = directory or TARGETS
    if not NAME.fullmatch(name):
        raise BadInput(f"`{name}` is not a target name; use the name of a file in parameters/targets, without .yaml.")
    path = directory / f"{name}.yaml"
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(found.stem for found in directory.glob("*.yaml")))
        raise BadInput(f"There is no target `{name}` in parameters/targets; there are: {known}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        raise BadInput(f"{path.name} is not readable YAML{line}; correct it and run again.") from None
    target = convert(raw, path.name)
    if target.fixed_clock and target.environment != "practice":
        raise BadInput(
            f"{path.name}: `fixed_clock` is for practice only; remove it from a {target.environment} target."
        )
    return msgspec.structs.replace(target, name=name)


def convert(raw: object, file: str) -> Target:
    """The parsed YAML as a Target; the file's name only serves the error sentence."""
    resolved = resolve(raw, Target, "", file)
    try:
        return msgspec.convert(resolved, Target, strict=False, dec_hook=decode_secret)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        key = place.strip("`.") or "the file"
        raise BadInput(f"{file}: `{key}`: {problem[:1].lower()}{problem[1:]}. Correct it and run again.") from None


def decode_secret(kind: type, value: object) -> Secret:
    if kind is Secret and isinstance(value, Secret):
        return value
    raise NotImplementedError(kind)


def resolve(value: object, kind: object, key: str, file: str) -> object:
    """Replace `env:NAME` by its value, secrets by a Secret, and refuse keys that the target does not have."""
    if kind is Secret:
        return secret(value, key, file)
    if isinstance(value, str) and value.startswith("env:"):
        if value[4:] not in os.environ:
            raise BadInput(missing(value[4:], f"`{key}` in {file}"))
        return os.environ[value[4:]]
    if typing.get_origin(kind) is Literal and value not in typing.get_args(kind):
        raise BadInput(f"{file}: `{key}` is `{value}`; allowed: {', '.join(typing.get_args(kind))}.")
    if typing.get_origin(kind) is dict and isinstance(value, dict):
        names, values = typing.get_args(kind)
        return {resolve(k, names, key, file): resolve(v, values, f"{key}.{k}", file) for k, v in value.items()}
    part = part_of(kind)
    if part is None:
        return [resolve(each, str, key, file) for each in value] if isinstance(value, list) else value
    if not isinstance(value, dict):
        raise BadInput(f"{file}: `{key or 'the file'}` must be a section with keys of its own; see practice.yaml.")
    fields = typing.get_type_hints(part, include_extras=True)
    for name in value:
        if name not in fields:
            raise BadInput(unknown(str(name), sorted(fields), key, file))
    return {name: resolve(each, fields[name], f"{key}.{name}".lstrip("."), file) for name, each in value.items()}


def part_of(kind: object) -> type[Part] | None:
    """The section type inside `kind`, also where it is optional (`Users | None`)."""
    options = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    return next((each for each in options if isinstance(each, type) and issubclass(each, Part)), None)


def secret(value: object, key: str, file: str) -> Secret:
    if isinstance(value, str) and re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*", value):
        return Secret(value[4:])
    if value == "":
        return NO_SECRET
    raise BadInput(
        f"{file}: `{key}` holds a secret as plain text; put it into an environment variable and write env:NAME."
    )


def missing(name: str, purpose: str) -> str:
    if name.startswith("PRACTICE_"):
        return "No practice world is open. Open one with: ./runbook drill database_rollback --lab"
    return f"The environment variable `{name}` ({purpose}) is not set; set it and run again."


def unknown(name: str, known: list[str], key: str, file: str) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"allowed: {', '.join(known)}."
    where = f" in `{key}`" if key else ""
    return f"{file}: `{name}`{where} is not a known key; {hint}"
