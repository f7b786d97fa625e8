"""The shape of a target file: its sections and keys, their types, and the defaults with what lies behind them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from runbook.target.secret import NO_SECRET, Secret

Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A section of the target file."""


class Limits(Part):
    """What Stripe allows the account; whoever was given more, or less, writes it here."""

    # Stripe's own figures for live mode (docs.stripe.com/rate-limits). In test mode the account has 25 as well.
    account_per_second: Positive = 100
    endpoint_per_second: Positive = 25  # of each path, unless Stripe says otherwise of it


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
    limits: Limits = Limits()
    timeout_seconds: Positive = 10
    user_metadata: str = "userId"  # the metadata key under which the service names the paying user
    test_payment_method: str = "pm_card_visa"  # for test payments, which live targets never make
    other_mode_read_key: Secret = NO_SECRET  # a read key of the other mode, to tell where stored ids belong


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
    web_names: tuple[str, ...] = ()  # the same for the web part, where it is a service of its own
    web_url: str = ""  # a page of the web part that holds the publishable key; empty: not looked at
    docker_host: str = ""  # empty: DOCKER_HOST, or the local socket
    admin_token: Secret = NO_SECRET
    log_format: Literal["auto", "json", "nestjs", "logfmt"] = "auto"
    log_lines_max: Positive = 200_000
    paths: Paths = Paths()
    timeout_seconds: Positive = 10


class Application(Part):
    id: str  # the deployment's own
    service: str = ""  # the Swarm service, Compose service or container that runs it; empty: the names of `service`


class Variables(Part):
    """What the application calls each setting; an empty name means that it has none."""

    secret_key: str = "STRIPE_SECRET_KEY"
    publishable_key: str = "STRIPE_PUBLISHABLE_KEY"
    webhook_secret: str = "STRIPE_WEBHOOK_SECRET"
    web_publishable_key: str = "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY"


class QueueVariables(Part):
    """What the service calls the settings of its queue before Stripe; an empty name means that it has no such one."""

    interval_ms: str = ""
    interval_cap: str = ""
    concurrency: str = ""
    retry_max: str = ""
    retry_jitter: str = ""


class NewValues(Part):
    """Where the values for a cure are taken from; they may be unset until there is something to cure."""

    secret_key: Secret = NO_SECRET
    publishable_key: Secret = NO_SECRET
    webhook_secret: Secret = NO_SECRET


class Deploy(Part):
    """How configuration reaches the service. `manual`: a person carries the steps out, and the plan tells each."""

    kind: Literal["manual", "dokploy"] = "manual"
    url: str = ""  # https://HOST/api
    read_token: Secret = NO_SECRET
    write_token: Secret = NO_SECRET  # needed by an approved plan only
    applications: dict[Literal["api", "web"], Application] = {}
    variables: Variables = Variables()
    new_values: NewValues = NewValues()
    queue: QueueVariables = QueueVariables()
    wait_seconds: Positive = 120  # a build of a mid-sized shop takes about a minute; twice that is patience enough


class Messages(Part):
    smtp_host: str = ""
    smtp_port: Positive = 587
    smtp_user: str = ""  # with a password the host must offer encryption
    smtp_password: Secret = NO_SECRET
    sender: str = ""  # the address that customers see and answer to; empty: no mail is planned
    sender_name: str = ""
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
    # Once what refused them is set right, Stripe's own retries come: those due within seconds are waited for, one after
    # the other, and the rest, which may be hours away, is asked for. One that comes later finds its event handled.
    retry_wait_seconds: Count = 4
    # Stripe keeps events for 30 days; what is older can only be settled directly.
    redelivery_days: Positive = 30
    # How much of Stripe's limit a queue leaves free: for other programs on the account, and for the runbook's reading.
    queue_headroom_percent: Percent = 20


class Level(Part):
    after_minutes: Count
    contact: str
    action: str


class Escalation(Part):
    levels: tuple[Level, ...] = ()
    amount_usd_above: Count = 10_000
    # Supervisors of payment services ask about outages of more than two hours.
    report_after_minutes: Count = 120
    usd_rates: dict[str, str] = {}  # "eur": "1.08": US dollars for one unit, as decimal text


class Policy(Part):
    """What a plan may do at the most; more needs a changed file, which is a reviewed commit."""

    rows_max: Positive = 500
    amount_minor_max: dict[str, Count] = {}  # by currency, the sum that one plan may touch; absent: no limit
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
    deploy: Deploy = Deploy()
    messages: Messages = Messages()
    thresholds: Thresholds = Thresholds()
    escalation: Escalation = Escalation()
    policy: Policy = Policy()
    about: About = About()
    name: str = ""  # the file's, set when it is loaded
    fixed_clock: str = ""  # one constant instant; practice alone may have it
