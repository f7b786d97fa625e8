"""What is said of a key from its form and from Stripe's answers; no value gets through into a word."""

from datetime import UTC, datetime

import pytest
from runbook.facts import Answer, Evidence
from runbook.judgement import keys
from runbook.judgement.remedies import configuration, restart
from runbook.judgement.remedies.configuration import Change
from runbook.plan import Step, from_json, to_json

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
TAIL = "a1B2c3D4e5F6g7H8"
SECRET, PAGE = "sk" + "_live_" + TAIL, "pk" + "_test_" + TAIL
HOOK = "whsec" + "_" + TAIL

VALUES = [  # value, place, kind, mode, what is wrong with it
    (SECRET, "secret_key", "secret", "live", ""),
    ("rk" + SECRET[2:], "secret_key", "restricted", "live", ""),
    (PAGE, "publishable_key", "publishable", "test", ""),
    (HOOK, "webhook_secret", "webhook secret", "", ""),
    (f'"{SECRET}"', "secret_key", "secret", "live", "it has quotes around it"),
    (f"“{SECRET}”", "secret_key", "secret", "live", "it has quotes around it"),
    (f"{SECRET}\n", "secret_key", "secret", "live", "it has a line end"),
    (f"{SECRET[:12]} {SECRET[12:]}", "secret_key", "secret", "live", "it has a space in it"),
    (f" {SECRET}", "secret_key", "secret", "live", "it has a space at its edge"),
    (f"'{SECRET}'\r\n", "secret_key", "secret", "live", "it has a line end and quotes around it"),
    (PAGE, "secret_key", "publishable", "test", "a publishable key stands where a secret key belongs"),
    (SECRET, "web_publishable_key", "secret", "live", "a secret key stands where a publishable key belongs"),
    (SECRET, "webhook_secret", "secret", "live", "a secret key stands where a webhook secret belongs"),
    ("", "secret_key", "", "", "it is empty"),
    ("changeme", "secret_key", "", "", "it does not have the form of a Stripe key"),
    (None, "secret_key", "", "", "it is not set"),
]


@pytest.mark.parametrize(("value", "role", "kind", "mode", "problem"), VALUES)
def test_a_value_is_told_in_words(value: str | None, role: str, kind: str, mode: str, problem: str) -> None:
    seen = keys.described(value, role)
    assert (seen["kind"], seen["mode"], seen["problem"]) == (kind, mode, problem)
    assert TAIL not in str(seen)


def configured(*parts: tuple[str, str, str]) -> Evidence:
    rows = tuple({"part": part, "role": role, "kind": kind, "mode": "live"} for part, role, kind in parts)
    return Evidence("?", "containers", AT, rows)


def tried(*rows: tuple[str, str, str]) -> Evidence:
    named = (dict(zip(("key", "question", "answer"), row, strict=True)) for row in rows)
    return Evidence("?", "gateway", AT, tuple(row | {"because": "the reason"} for row in named))


HEALTHY = (("secret key of api", keys.ACCEPTED, "yes"), ("publishable key of web", keys.REACHES, "yes"))
FINDINGS = [  # what Stripe said, the service's key, the pair, who is cleared
    (HEALTHY, Answer.HOLDS, Answer.HOLDS, True),
    ((("secret key of api", keys.ACCEPTED, "no"), HEALTHY[1]), Answer.DOES_NOT_HOLD, Answer.HOLDS, False),
    ((HEALTHY[0], ("publishable key of page", keys.REACHES, "no")), Answer.HOLDS, Answer.DOES_NOT_HOLD, False),
    ((("secret key of api", keys.ACCEPTED, "cannot tell"), HEALTHY[1]), Answer.CANNOT_TELL, Answer.HOLDS, False),
    ((HEALTHY[0],), Answer.HOLDS, Answer.CANNOT_TELL, False),
    ((*HEALTHY, ("secret key of api", "May it write customers?", "no")), Answer.DOES_NOT_HOLD, Answer.HOLDS, False),
    ((*HEALTHY, ("secret key of api", keys.TIDY, "no")), Answer.HOLDS, Answer.HOLDS, True),
]


@pytest.mark.parametrize(("said", "accepted", "paired", "clears"), FINDINGS)
def test_what_stripe_said_is_judged(said, accepted: Answer, paired: Answer, clears: bool) -> None:
    settings, answers = configured(), tried(*said)
    key, pair = keys.service_key_is_accepted(settings, answers), keys.pair_belongs_together(settings, answers)
    assert (key.answer, pair.answer) == (accepted, paired)
    assert pair.clears == (("invalid_api_key",) if clears else ())
    assert key.clears == ()


def test_a_secret_key_in_the_page_is_a_sign_of_a_breach() -> None:
    settings = configured(("page", "publishable key", "secret"))
    found = keys.pair_belongs_together(settings, tried(("publishable key of page", keys.REACHES, "no")))
    assert found.alert == "a secret key of Stripe stands in the web part, where every browser gets it"


def test_one_reason_is_told_once_for_all_its_keys() -> None:
    found = keys.pair_belongs_together(configured(), tried(*((f"publishable key of {part}", keys.REACHES, "no")
                                                            for part in ("api", "web", "page"))))
    assert found.because == "publishable key of api, publishable key of web, publishable key of page: the reason"


def change(app: str = "api", stored: str = "11111111", running: str = "11111111", **changes: str) -> Change:
    named = {"service": f"shop-{app}", "variable": "KEY", "fingerprint": "22222222", "about": "the live secret key",
             "role": "secret_key", "source": "NEW_KEY"}
    return Change(app=app, stored=stored, running=running, **named | changes)


def plan(*changes: Change, manual: bool = False):
    return configuration.plan(changes, manual, "shop", "acct + db", "new_value", "10")


def test_the_plan_is_text_before_it_is_effect() -> None:
    steps = plan(change(), change("web")).steps
    assert [f"{step.kind} {step.new['app']}" for step in steps] == [
        "set_variable api", "set_variable web", "redeploy api", "redeploy web"]
    assert steps[0].sentence == (
        "Set KEY in the environment that is stored for shop-api (now 11111111) to the live secret key in NEW_KEY, "
        "22222222, and leave everything else as it is.")
    assert steps[3].sentence == (
        "Deploy shop-web anew, so that it is built and runs with the stored KEY, and wait until the page holds it.")
    assert all(step.required and step.no_undo and not step.undo for step in steps)


def test_what_is_stored_is_only_deployed_and_what_runs_is_left_alone() -> None:
    assert [step.kind for step in plan(change(stored="22222222")).steps] == ["redeploy"]
    assert not plan(change(stored="22222222", running="22222222"))
    assert not any(step.required for step in plan(change(), manual=True).steps)


def test_a_restart_says_what_may_run_twice() -> None:
    made = restart.plan("shop-api", "then", 3, False, ("KEY",), "shop", "acct + db", "10")
    assert "3 events of Stripe wait for delivery" in made.promises[1]
    assert "mails and orders may be made a second time" in made.promises[1]
    assert made.steps[0].sentence.endswith("It will then run with the stored KEY, which it does not now.")


def test_plans_of_older_journals_keep_their_fingerprints() -> None:
    """They hold no word of being required."""
    made = plan(change(), manual=True)
    old = to_json(made)
    for step in old["steps"]:
        del step["required"]
    assert from_json(old).fingerprint == made.fingerprint
    assert plan(change()).fingerprint != made.fingerprint
    assert Step("k", "o", "s", {}, {}).required is False
