"""A target file that cannot be right is refused in one sentence, and no secret of it is ever shown."""

import copy
from pathlib import Path

import pytest
import yaml
from runbook import target
from runbook.errors import BadInput, CannotLook
from runbook.target import Secret

EXAMPLES = sorted(target.TARGETS.glob("*.example.yaml"))
KEY = "sk_live_" + "51HxNeverToBeShown"

VALID = {
    "environment": "staging",
    "gateway": {"expected_mode": "test", "read_key": "env:T_READ_KEY", "account": "env:T_ACCOUNT"},
    "ledger": {
        "read_dsn": "env:T_READ_DSN",
        "database": "shop",
        "columns": {"id": "id", "intent_id": "pi", "user_id": "user", "amount": "amount", "status": "status",
                    "created_at": "made"},
        "status": {"pending": ["PENDING"], "completed": ["PAID", "DONE"]},
        "currency": "eur",
    },
    "service": {"base_url": "https://shop.example", "webhook_url": "https://shop.example/hook", "names": ["shop"]},
}  # fmt: skip


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, value in {"T_READ_KEY": KEY, "T_READ_DSN": "postgresql://u:NeverToBeShown@h/shop", "T_ACCOUNT": "acct_1",
                        "T_URL": "https://other.example", "T_SECONDS": "7", "T_EMPTY": ""}.items():  # fmt: skip
        monkeypatch.setenv(name, value)


@pytest.fixture
def load(tmp_path):
    """Write VALID with some keys changed (`None` as a value stays; `...` takes the key away) and load it."""

    def load(changes=None, text=None, name="shop"):
        content = yaml.safe_dump(changed(changes or {})) if text is None else text
        path = tmp_path / "shop.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return target.load(name, tmp_path)

    return load


def changed(changes):
    raw = copy.deepcopy(VALID)
    for place, value in changes.items():
        *sections, key = place.split(".")
        inner = raw
        for section in sections:
            inner = inner.setdefault(section, {})
        if value is ...:
            del inner[key]
        else:
            inner[key] = value
    return raw


def test_a_valid_file_becomes_a_target_named_after_it(load):
    found = load({"service.base_url": "env:T_URL", "gateway.timeout_seconds": "env:T_SECONDS"})
    assert found.name == "shop"
    assert found.service.base_url == "https://other.example"
    assert found.gateway.timeout_seconds == 7
    assert found.gateway.account == "acct_1"
    assert found.ledger.status == {"pending": ("PENDING",), "completed": ("PAID", "DONE")}
    assert found.thresholds.system_wide_above == 10
    assert found.gateway.read_key.reveal() == KEY


def test_a_target_is_read_the_same_twice(load):
    assert load() == load()


def test_sections_with_defaults_may_be_left_out_and_optional_ones_left_empty(load):
    assert load({"ledger.users": None}).ledger.users is None
    assert load({"ledger.users": {"table": "User", "id": "id", "email": "mail"}}).ledger.users.table == "User"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_valid(path):
    assert target.convert(yaml.safe_load(path.read_text()), path.name).environment == path.name.split(".")[0]


# What the sentences have in common.
PLAIN = "holds a secret as plain text; put it into an environment variable and write env:NAME."
MISSING = "is missing or empty; practice.yaml shows one."
SECTION = "must be a section with keys of its own; practice.yaml shows one."
MISPLACED = "is shown to people, and the variable `T_READ_KEY` holds a secret; name another one."
WHOLE = "must be a whole number of 1 or more;"
CURRENCY = "is no currency; write its three letters in lower case, like usd."
UNKNOWN = "is not a known key;"
RATE = "it must be a positive decimal number in quotes, like \"1.08\"."
ADDRESS = "must begin with https:// or http:// and a host."

WRONG = [
    # misspelled and misplaced keys
    ({"legder": {}}, f"`legder` {UNKNOWN} did you mean `ledger`?"),
    ({"ledger.tabel": "x"}, f"`tabel` in `ledger` {UNKNOWN} did you mean `table`?"),
    ({"ledger.columns.ammount": "x"}, f"`ammount` in `ledger.columns` {UNKNOWN} did you mean `amount`?"),
    ({"ledger.users": {"table": "U", "id": "i", "emial": "e"}},
     f"`emial` in `ledger.users` {UNKNOWN} did you mean `email`?"),
    ({"ledger.status.compleeted": ["X"]}, f"`compleeted` in `ledger.status` {UNKNOWN} did you mean `completed`?"),
    ({"ledger.status.zzz": ["X"]},
     f"`zzz` in `ledger.status` {UNKNOWN} allowed: pending, completed, failed, refunded, disputed, canceled."),
    ({"messages": {"zzz": 1}},
     f"`zzz` in `messages` {UNKNOWN} allowed: chat_url, sender, sender_name, smtp_host, smtp_password, smtp_port, "
     f"smtp_user."),
    ({"escalation.levels": [{"after_minute": 1, "contact": "a", "action": "b"}]},
     f"`after_minute` in `escalation.levels[0]` {UNKNOWN} did you mean `after_minutes`?"),
    ({"name": "other"},
     f"`name` {UNKNOWN} allowed: about, deploy, environment, escalation, fixed_clock, gateway, ledger, messages, "
     f"policy, service, thresholds."),
    # missing and empty
    ({"gateway": ...}, f"`gateway` {MISSING}"),
    ({"gateway.read_key": ...}, f"`gateway.read_key` {MISSING}"),
    ({"ledger.columns.intent_id": ...}, f"`ledger.columns.intent_id` {MISSING}"),
    ({"ledger.database": ""}, f"`ledger.database` {MISSING}"),
    ({"thresholds": None}, f"`thresholds` {SECTION}"),
    ({"ledger.users": "User"}, f"`ledger.users` {SECTION}"),
    ({"escalation.levels": ["now"]}, f"`escalation.levels[0]` {SECTION}"),
    # wrong types
    ({"thresholds.window_hours": "many"}, f"`thresholds.window_hours` {WHOLE} it is `many`."),
    ({"thresholds.window_hours": -3}, f"`thresholds.window_hours` {WHOLE} it is `-3`."),
    ({"thresholds.window_hours": 0}, f"`thresholds.window_hours` {WHOLE} it is `0`."),
    ({"thresholds.window_hours": 1.5}, f"`thresholds.window_hours` {WHOLE} it is `1.5`."),
    ({"thresholds.window_hours": True}, f"`thresholds.window_hours` {WHOLE} it is `true`."),
    ({"thresholds.window_hours": None}, f"`thresholds.window_hours` {WHOLE} it is empty."),
    ({"thresholds.window_hours": [1]}, f"`thresholds.window_hours` {WHOLE} it is a list."),
    ({"thresholds.one_off_up_to": -1}, "`thresholds.one_off_up_to` must be a whole number of 0 or more; it is `-1`."),
    ({"thresholds.error_share_percent": 101},
     "`thresholds.error_share_percent` must be a whole number from 0 to 100; it is `101`."),
    ({"policy.amount_minor_max": {"usd": -1}},
     "`policy.amount_minor_max.usd` must be a whole number of 0 or more; it is `-1`."),
    ({"service.names": "shop"}, "`service.names` must be a list, like [one, two]; it is `shop`."),
    ({"ledger.status.completed": "PAID"}, "`ledger.status.completed` must be a list, like [one, two]; it is `PAID`."),
    ({"ledger.status.completed": [True]},
     "`ledger.status.completed[0]` must be text; it is `true`. Put it into quotes."),
    ({"ledger.status": ["PAID"]}, "`ledger.status` must be a section of `name: value` lines; it is a list."),
    ({"escalation.usd_rates": {"eur": 1.08}},
     "`escalation.usd_rates.eur` must be text; it is `1.08`. Put it into quotes."),
    ({"escalation.levels": "now"}, "`escalation.levels` must be a list, like [one, two]; it is `now`."),
    ({"ledger.table": {"a": 1}}, "`ledger.table` must be text; it is a section."),
    # wrong words
    ({"environment": "prod"}, "`environment` must be one of practice, staging, production; it is `prod`."),
    ({"gateway.expected_mode": "lve"}, "`gateway.expected_mode` must be one of live, test; it is `lve`."),
    ({"ledger.audit": True}, "`ledger.audit` must be one of schema, journal; it is `true`."),
    # secrets
    ({"gateway.read_key": KEY}, f"`gateway.read_key` {PLAIN}"),
    ({"gateway.read_key": 12345}, f"`gateway.read_key` {PLAIN}"),
    ({"gateway.account": KEY}, f"`gateway.account` {PLAIN}"),
    ({"service.base_url": "https://u:NeverToBeShown@shop.example"}, f"`service.base_url` {PLAIN}"),
    ({"gateway.account": "env:T_READ_KEY"}, f"`gateway.account` {MISPLACED}"),
    ({"gateway.expected_mode": "env:T_READ_KEY"}, f"`gateway.expected_mode` {MISPLACED}"),
    # environment variables
    ({"gateway.expected_mode": "env:T_ACCOUNT"},
     "`gateway.expected_mode` must be one of live, test; what `T_ACCOUNT` holds is not."),
    ({"gateway.timeout_seconds": "env:T_ACCOUNT"}, f"`gateway.timeout_seconds` {WHOLE} what `T_ACCOUNT` holds is not."),
    ({"gateway.timeout_seconds": "env:T_EMPTY"}, f"`gateway.timeout_seconds` {WHOLE} what `T_EMPTY` holds is not."),
    # what must hold between keys
    ({"environment": "production", "gateway.expected_mode": "live", "fixed_clock": "2026-01-15T12:00:00Z"},
     "`fixed_clock` is for practice only; remove it from a production target."),
    ({"environment": "practice", "fixed_clock": "yesterday"},
     "`fixed_clock` is `yesterday`, which is not an ISO time; write it like 2026-01-15T12:00:00Z."),
    ({"environment": "production"}, "`gateway.expected_mode` is test in a production target; there it must be live."),
    ({"ledger.status": {"pending": ["P"]}},
     "`ledger.status.completed` lists no word; list the table's own, like [COMPLETED]."),
    ({"ledger.status.pending": []}, "`ledger.status.pending` lists no word; list the table's own, like [PENDING]."),
    ({"ledger.status.failed": ["PAID"]}, "`ledger.status`: `PAID` stands under completed and failed; keep one."),
    ({"thresholds.one_off_up_to": 11},
     "`thresholds.one_off_up_to` (11) is above `thresholds.system_wide_above` (10); it must not be more."),
    ({"escalation.levels": [{"after_minutes": 15, "contact": "a", "action": "b"},
                             {"after_minutes": 0, "contact": "c", "action": "d"}]},
     "`escalation.levels` must stand in the order of `after_minutes`, each later than the one before."),
    ({"escalation.usd_rates": {"eur": "abc"}}, f"`escalation.usd_rates.eur` is `abc`; {RATE}"),
    ({"escalation.usd_rates": {"eur": "NaN"}}, f"`escalation.usd_rates.eur` is `NaN`; {RATE}"),
    ({"escalation.usd_rates": {"eur": "-1"}}, f"`escalation.usd_rates.eur` is `-1`; {RATE}"),
    ({"escalation.usd_rates": {"EUR": "1.08"}}, f"`escalation.usd_rates.EUR`: `EUR` {CURRENCY}"),
    ({"policy.amount_minor_max": {"USD": 100}}, f"`policy.amount_minor_max.USD`: `USD` {CURRENCY}"),
    ({"ledger.currency": "euro"}, f"`ledger.currency`: `euro` {CURRENCY}"),
    ({"service.webhook_url": "shop.example/hook"}, f"`service.webhook_url` {ADDRESS}"),
    ({"gateway.status_urls": ["https://a", "ftp://b"]}, f"`gateway.status_urls[1]` {ADDRESS}"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "sentence"), WRONG, ids=[str(sorted(changes)) for changes, _ in WRONG])
def test_a_wrong_value_is_refused_in_one_sentence_that_names_it(load, changes, sentence):
    with pytest.raises(BadInput) as refused:
        load(changes)
    assert str(refused.value) == f"shop.yaml: {sentence}"


def test_a_missing_variable_is_named_with_the_key_that_wants_it(load):
    with pytest.raises(BadInput) as refused:
        load({"service.base_url": "env:T_NOT_SET"})
    assert str(refused.value) == (
        "The environment variable `T_NOT_SET` (`service.base_url` in shop.yaml) is not set; set it and run again."
    )


def test_a_closed_practice_world_is_no_wrong_file(load):
    with pytest.raises(CannotLook) as closed:
        load({"service.base_url": "env:PRACTICE_NOT_OPEN"})
    assert str(closed.value) == "No practice world is open. Open one with: ./runbook drill database_rollback --lab"
    assert closed.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "shop.yaml must be a section with keys of its own; practice.yaml shows one."),
        ("[1, 2]", "shop.yaml must be a section with keys of its own; practice.yaml shows one."),
        ("a: [1,\nb: }", "shop.yaml is not readable YAML at line 2; correct it and run again."),
        ("a:\n\tb: 1", "shop.yaml is not readable YAML at line 2; correct it and run again."),
        ("a: 1\n---\nb: 2", "shop.yaml is not readable YAML at line 2; correct it and run again."),
        ("a: !!python/name:os.system", "shop.yaml is not readable YAML at line 1; correct it and run again."),
        ("a: {{ b }}", "shop.yaml is not readable YAML; correct it and run again."),
        ("a: \x07", "shop.yaml is not readable YAML; correct it and run again."),
        (b"\xff\x00a", "shop.yaml is not readable YAML; correct it and run again."),
        (b"a: \xe9", "shop.yaml is not readable YAML; correct it and run again."),
        ("ledger:\n  table: A\n  table: B\n", "shop.yaml: `table` stands there twice, again at line 3; keep one."),
        ("gateway: {}\ngateway: {}\n", "shop.yaml: `gateway` stands there twice, again at line 2; keep one."),
    ],
)  # fmt: skip
def test_a_file_that_is_no_yaml_is_refused_in_one_sentence(load, text, sentence):
    with pytest.raises(BadInput) as refused:
        load(text=text)
    assert str(refused.value) == sentence


def test_an_unquoted_time_asks_for_quotes(load):
    rest = yaml.safe_dump({key: value for key, value in VALID.items() if key != "environment"})
    with pytest.raises(BadInput, match=r"`fixed_clock` must be text; it is `2026-01-15 .*`\. Put it into quotes\."):
        load(text=f"environment: practice\nfixed_clock: 2026-01-15T12:00:00Z\n{rest}")


@pytest.mark.parametrize(
    "name", ["../shop", "..", "", "a/b", "/etc/passwd", "Shop", "shop\n", "shop\x00", "-shop", "a" * 65, "shop yaml"]
)
def test_a_name_that_could_lead_elsewhere_is_no_name(load, name):
    with pytest.raises(BadInput, match="is not a target name; use a file's name in parameters/targets") as refused:
        load(name=name)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("name", "hint"),
    [("shpo", "did you mean `shop`?"), ("shop.yaml", "did you mean `shop`?"), ("elsewhere", "there are: shop.")],
)
def test_a_target_that_is_not_there_names_those_that_are(load, name, hint):
    with pytest.raises(BadInput) as refused:
        load(name=name)
    assert str(refused.value) == f"There is no target `{name}` in parameters/targets; {hint}"


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    (tmp_path / "shop.yaml").mkdir()
    with pytest.raises(BadInput, match=r"shop\.yaml cannot be read: Is a directory"):
        target.load("shop", tmp_path)


def test_a_secret_shows_its_name_and_nothing_else(load, capsys):
    found = load()
    for text in (repr(found), str(found), f"{found.gateway.read_key}", repr([found.gateway.read_key])):
        assert "NeverToBeShown" not in text
    assert repr(found.gateway.read_key) == "env:T_READ_KEY"
    assert repr(found.gateway.write_key) == "(none)"


@pytest.mark.parametrize(("changes", "sentence"), WRONG, ids=[str(sorted(changes)) for changes, _ in WRONG])
def test_no_secret_stands_in_an_error(load, changes, sentence):
    with pytest.raises(BadInput) as refused:
        load(changes)
    shown = f"{refused.value!s} {refused.value!r} {refused.value.__cause__} {refused.value._render_traceback_()}"
    assert "NeverToBeShown" not in shown


def test_a_secret_that_is_not_set_is_missed_only_when_it_is_needed(load, monkeypatch):
    found = load({"ledger.write_dsn": "env:T_NOT_SET"})
    assert found.ledger.write_dsn
    with pytest.raises(BadInput, match=r"The environment variable `T_NOT_SET` \(a secret\) is not set"):
        found.ledger.write_dsn.reveal()
    with pytest.raises(BadInput, match="This target names no such secret"):
        found.gateway.write_key.reveal()
    monkeypatch.setenv("T_READ_KEY", "")
    with pytest.raises(BadInput, match="`T_READ_KEY`"):
        found.gateway.read_key.reveal()


def test_secrets_are_equal_by_name():
    assert Secret("A") == Secret("A") != Secret("B")
    assert len({Secret("A"), Secret("A"), Secret("")}) == 2
    assert not Secret("")


def test_targets_lie_beside_the_parameters():
    root = Path(__file__).resolve().parents[1]
    assert root / "parameters" / "targets" == target.TARGETS
    assert (target.TARGETS / "practice.yaml").exists()
