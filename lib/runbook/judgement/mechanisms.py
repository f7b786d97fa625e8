"""How webhooks come to be unheard: the mechanisms behind `webhook_signature` and `webhook_not_subscribed`, what each of
them means, and what cures it.

What parts them is told by `webhooks`. Stripe shows the secret of an endpoint only when it is made or revealed in the
Dashboard, so nobody can compare ours with Stripe's by API: that a secret is right is proven by a delivery alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# secret: the deployment gets another value. endpoint: the endpoint is changed at Stripe. person: neither would help.
By = Literal["secret", "endpoint", "person"]


@dataclass(frozen=True)
class Mechanism:
    name: str
    sentence: str
    by: By
    cure: str


RAW_BODY = (
    "verify before parsing, on the bytes as they came: NestJS `NestFactory.create(App, {rawBody: true})` and "
    "`req.rawBody`; Express `express.raw({type: 'application/json'})` on this route, ahead of `express.json()`; "
    "FastAPI `await request.body()`; Django `request.body`"
)
VERIFY = (
    "call `constructEvent(rawBody, header, secret)` ahead of everything else and answer 400 when it throws; until that "
    "is deployed, roll back, and check every payment completed since against Stripe (`20_reconciliation`)"
)
SET_CLOCK = "set the host's clock, and keep it set: `sudo chronyc makestep` or `sudo timedatectl set-ntp true`"
NEW_SECRET = "set the endpoint's signing secret from the Dashboard through the deployment, and redeploy"

MECHANISMS = {
    each.name: each
    for each in (
        Mechanism("wrong_secret", "The service's secret is not the endpoint's.", "secret", NEW_SECRET),
        Mechanism(
            "secret_of_another_endpoint", "The service has the secret of another endpoint.", "secret", NEW_SECRET
        ),
        Mechanism("secret_of_another_mode", "The service has the secret of the other mode.", "secret", NEW_SECRET),
        Mechanism(
            "rolled_secret", "The secret was rolled at Stripe, and the service still has the old one.", "secret",
            NEW_SECRET,
        ),
        Mechanism("parsed_body", "The body is parsed before its signature is checked.", "person", RAW_BODY),
        Mechanism("clock_ahead", "The service's clock is more than five minutes ahead.", "person", SET_CLOCK),
        Mechanism("endpoint_disabled", "The endpoint is disabled at Stripe.", "endpoint", "enable it at Stripe"),
        Mechanism("wrong_url", "The endpoint is registered at another URL.", "endpoint", "set its URL at Stripe"),
        Mechanism(
            "not_subscribed", "The endpoint does not ask for the event.", "endpoint",
            "add the event to its list at Stripe",
        ),
        Mechanism("checks_off", "The service takes events that nobody signed.", "person", VERIFY),
    )
}  # fmt: skip
SECRETS = tuple(name for name, each in MECHANISMS.items() if each.by == "secret")
# What a redeployment can bring along; a roll at Stripe needs none.
DEPLOYED = (*(name for name in SECRETS if name != "rolled_secret"), "parsed_body")
REFUSING = (*SECRETS, "parsed_body", "clock_ahead")
