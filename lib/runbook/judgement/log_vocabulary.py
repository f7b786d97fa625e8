"""The words, codes and SQLSTATEs that name a class of error, as Stripe, Postgres and their usual clients write them.

Names of classes: those of Stripe's own error types, and `database_…`, `webhook_…`, `process_crash` for the rest.
"""

from __future__ import annotations

# Looked for in this order, in lower case; the first class with a word in the text is the entry's.
WORDS: dict[str, tuple[str, ...]] = {
    "webhook_signature": (
        "signature verification failed", "signatureverificationerror", "signatureverificationexception",
        "no signatures found matching", "unable to extract timestamp and signatures",
        "timestamp outside the tolerance zone", "no webhook payload was provided", "invalid stripe signature",
        "webhook signature", "no stripe-signature header",
    ),
    "authentication_error": (
        "invalid api key", "expired api key", "api_key_expired", "stripeauthenticationerror", "authenticationerror",
        "did not provide an api key", "no api key provided", "stripepermissionerror", "platform_api_key_expired",
        "required permissions for this endpoint", "secret_key_required",
        # A key with a line end in it is not even sent.
        "invalidheader", "invalid header value", "illegal header value", "invalid character in header content",
    ),
    # An invalid request in form, and right in all but its key: the object is there, in the mode of the other key.
    "object_of_other_mode": (
        "exists in test mode, but a live mode key was used", "exists in live mode, but a test mode key was used",
    ),
    # Stripe says this with a 429 as well, though the rate is not the reason: another call holds the object. Postgres
    # has a setting of the same name, so the bare word is not enough.
    "lock_timeout": (
        "code: lock_timeout", "code=lock_timeout", "/lock_timeout", '"lock_timeout"', "'lock_timeout'",
        "object cannot be accessed right now",
    ),
    "rate_limit_error": ("ratelimiterror", "rate_limit", "rate limit exceeded", "too many requests hit the api"),
    "authentication_required": ("authentication_required",),
    "card_declined": (
        "card_declined", "card was declined", "stripecarderror", "carderror", "cardexception", "card_error",
        "insufficient_funds", "generic_decline", "do_not_honor", "expired_card", "incorrect_cvc", "incorrect_number",
        "card has insufficient funds", "card has expired", "security code is incorrect",
    ),
    "idempotency_error": ("idempotency_error", "idempotencyerror", "keys for idempotent requests"),
    "api_connection_error": (
        "apiconnectionerror", "stripeconnectionerror", "api_connection_error", "connection to stripe",
        "communicating with stripe", "request to stripe timed out", "could not connect to stripe",
        "apiconnectionexception",
    ),
    "invalid_request_error": (
        "invalid_request_error", "invalidrequesterror", "invalidrequestexception", "resource_missing",
        "no such payment_intent", "no such customer", "no such payment_method", "received unknown parameter",
        "missing required param", "parameter_missing", "parameter_unknown",
    ),
    "api_error": (
        "stripeapierror", "stripe._error.apierror", "stripe.error.apierror", "stripe.apierror", "api_error",
    ),
    "database_unique_violation": (
        "violates unique constraint", "unique constraint failed", "unique constraint violation", "p2002",
        "uniqueviolation", "uniqueconstrainterror", "uniqueconstraintviolation", "er_dup_entry",
    ),
    "database_foreign_key_violation": (
        "violates foreign key constraint", "foreign key constraint failed", "foreign key constraint violated", "p2003",
        "foreignkeyviolation", "foreignkeyconstrainterror",
    ),
    # Every connection of the pool is taken, and none comes back in time.
    "database_pool": (
        "timeout exceeded when trying to connect", "resourcerequest timed out", "timeout acquiring a connection",
        "sequelizeconnectionacquiretimeout", "p2024", "pooltimeout", "couldn't get a connection after",
        "queuepool limit",
    ),
    "database_timeout": (
        "statement timeout", "lock timeout", "idle-in-transaction timeout", "idle-session timeout",
        "transaction timeout",
        "idleintransactionsessiontimeout", "due to connection timeout", "query read timeout", "querycanceled",
        
        "operation timeout", "p2028", "p1008", 
        "lock not available", "connection timeout expired",
    ),
    "database_connection": (
        "connection terminated unexpectedly", "server closed the connection unexpectedly", "database system is ",
        "too many clients already", "remaining connection slots", "can't reach database server", "p1001", "p1002",
        "p1017", "terminating connection due to administrator command", "password authentication failed",
        "could not connect to server", "connection to server at", "adminshutdown", "no pg_hba.conf entry",
        "ssl connection has been closed", "connection already closed", "connection is closed", "the connection is lost",
        "sequelizeconnection", "server has closed the connection", "consuming input failed", ":5432",
        "terminating connection because",
    ),
    "database_other": (
        "queryfailederror", "prismaclient", "psycopg.errors", "psycopg2.errors", "sqlalchemy.exc",
        "sequelizedatabaseerror", "deadlock detected", "could not serialize access", "violates not-null constraint",
        "violates check constraint", "value too long for type", "could not extend file", "pg::", "sqlstate",
        "invalid input syntax for type",
    ),
    "process_crash": (
        "uncaughtexception", "uncaught exception", "unhandledrejection", "unhandled promise rejection",
        "heap out of memory", "oomkilled", "out of memory: kill", "segmentation fault", "fatal python error",
        "panic: ", "exited with code 137", "exit code 137", "exit status 137", "worker timeout (pid", "sigkill",
    ),
}  # fmt: skip
# Postgres' own codes, where a client quotes them; classes of two characters come last.
SQLSTATES = {
    "23505": "database_unique_violation",
    "23503": "database_foreign_key_violation",
    "57014": "database_timeout",
    "55P03": "database_timeout",
    "25P03": "database_timeout",
    "25P04": "database_timeout",
    "57P05": "database_timeout",
    "57P01": "database_connection",
    "57P02": "database_connection",
    "57P03": "database_connection",
    "53300": "database_connection",
    "08": "database_connection",
    "28": "database_connection",
    "22": "database_other",
    "23": "database_other",
    "25": "database_other",
    "40": "database_other",
    "42": "database_other",
    "53": "database_other",
    "XX": "database_other",
}
# What a call to Stripe that logs its status alone has met; 0 means that no answer came.
BY_STATUS = {
    0: "api_connection_error",
    400: "invalid_request_error",
    401: "authentication_error",
    402: "card_declined",
    403: "authentication_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "api_error",
    504: "api_error",
}
# What Stripe's header on a 429 names as the limit that was met.
LIMIT_REASONS = ("global-rate", "endpoint-rate", "global-concurrency", "endpoint-concurrency", "resource-specific")
# The first part of a path of Stripe's API.
RESOURCES = frozenset(
    [
        "account",
        "balance",
        "balance_transactions",
        "charges",
        "checkout",
        "coupons",
        "customers",
        "disputes",
        "ephemeral_keys",
        "events",
        "files",
        "invoices",
        "invoiceitems",
        "mandates",
        "payment_intents",
        "payment_links",
        "payment_methods",
        "payouts",
        "prices",
        "products",
        "refunds",
        "setup_intents",
        "sources",
        "subscriptions",
        "tokens",
        "topups",
        "transfers",
        "webhook_endpoints",
    ]
)
# What an entry says of the event that it names, looked for in this order after the event's type is taken out. A failure
# comes first: "failed: duplicate key" is no duplicate event.
STATES = {
    "failed": ("fail", "error", "exception", "could not", "cannot", "rolled back", "reject"),
    "duplicate": ("duplicate", "already processed", "already handled", "already received", "already been", "skip"),
    "processed": ("processed", "handled", "completed", "success", "recorded", "finished", "acknowledged", "done"),
    "received": ("receiv", "incoming", "processing", "handling", "got ", "start"),
}
# In an entry of level info only these are reason to look for an error.
TROUBLE = (
    "error", "fail", "declin", "exception", "violat", "refus", "reject", "timeout", "timed out", "denied", "killed",
    "invalid", "crash", "fatal",
)  # fmt: skip
