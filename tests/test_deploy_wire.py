"""The deployment's reader and writer: one variable, guarded before and after, and sentences without a secret."""

from collections.abc import Iterator

import pytest
from deployments import READ, STORED, WRITE, Instance, instance
from runbook.errors import BadInput, CannotLook, Refused
from runbook.target import Deploy, Secret
from runbook.wires.deploy import DeployReader, DeployWriter

KEY = "sk" + "_live_" + "a1B2c3D4e5F6g7H8"


@pytest.fixture
def dokploy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    monkeypatch.setenv("DEPLOY_READ", READ)
    monkeypatch.setenv("DEPLOY_WRITE", WRITE)
    with instance() as opened:
        yield opened


def test_what_is_stored_is_read_and_hidden(dokploy: Instance) -> None:
    seen = DeployReader(dokploy.settings()).application("api")
    assert (seen.name, seen.text) == ("shop-api", STORED)
    assert seen.variables["MAIL"] == "two\nlines"
    assert "old" not in repr(seen)
    assert "old" not in repr(seen.variables)


def test_one_variable_is_set_and_every_other_byte_stays(dokploy: Instance) -> None:
    seen = DeployReader(dokploy.settings()).application("api")
    after = DeployWriter(dokploy.settings()).set_variable("api", seen, "STRIPE_SECRET_KEY", KEY)
    assert after.text == STORED.replace("=old", f"={KEY}") == dokploy.hosted["api"].stored


def test_what_somebody_changed_in_between_is_left_alone(dokploy: Instance) -> None:
    seen = DeployReader(dokploy.settings()).application("api")
    dokploy.hosted["api"].stored += "NEW=1\n"
    with pytest.raises(Refused, match="was changed by somebody in between"):
        DeployWriter(dokploy.settings()).set_variable("api", seen, "STRIPE_SECRET_KEY", KEY)
    assert dokploy.hosted["api"].stored == STORED + "NEW=1\n"


def test_build_arguments_are_sent_back_as_they_were(dokploy: Instance) -> None:
    entry = dokploy.board.entries[dokploy.board.id_of("api")]
    entry.build_args, entry.build_secrets, entry.create_env_file = "NODE=22", "TOKEN=x", False
    seen = DeployReader(dokploy.settings()).application("api")
    DeployWriter(dokploy.settings()).set_variable("api", seen, "A", "1")
    assert (entry.build_args, entry.build_secrets, entry.create_env_file) == ("NODE=22", "TOKEN=x", False)


def test_deployments_are_listed_newest_first_without_a_key_in_their_errors(dokploy: Instance) -> None:
    dokploy.board.fail_next("api", f"build failed with {KEY}\nand more")
    writer, reader = DeployWriter(dokploy.settings()), DeployReader(dokploy.settings())
    writer.redeploy("api", "one", "why")
    while reader.deployments("api")[0].status == "running":
        pass
    found = reader.deployments("api")[0]
    assert (found.title, found.status) == ("one", "error")
    assert KEY not in found.error
    assert "and more" in found.error


@pytest.mark.parametrize(
    ("token", "kind", "sentence"),
    [
        ("nobody", CannotLook, "does not know the token in `DEPLOY_WRITE` (401)"),
        (READ, Refused, "The token in `DEPLOY_WRITE` may not do `application.redeploy` (403)"),
    ],
)
def test_a_refusal_names_the_variable_and_never_the_token(
    dokploy: Instance, monkeypatch: pytest.MonkeyPatch, token: str, kind: type[Exception], sentence: str
) -> None:
    monkeypatch.setenv("DEPLOY_WRITE", token)
    with pytest.raises(kind) as refused:
        DeployWriter(dokploy.settings()).redeploy("api", "one", "")
    assert sentence in str(refused.value)
    assert token not in str(refused.value).replace("DEPLOY_WRITE", "")


def test_a_token_that_is_not_set_is_named(dokploy: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEPLOY_READ")
    with pytest.raises(BadInput, match="DEPLOY_READ"):
        DeployReader(dokploy.settings())


def test_an_application_that_the_target_does_not_name(dokploy: Instance) -> None:
    settings = Deploy("dokploy", dokploy.url, Secret("DEPLOY_READ"), Secret("DEPLOY_WRITE"))
    with pytest.raises(Refused, match="names no application `api`"):
        DeployReader(settings).application("api")


def test_an_address_that_is_not_the_api(dokploy: Instance) -> None:
    wrong = Deploy("dokploy", dokploy.url.removesuffix("/api"), Secret("DEPLOY_READ"), Secret("DEPLOY_WRITE"),
                   dokploy.settings().applications)
    with pytest.raises(CannotLook, match="404"):
        DeployReader(wrong).application("api")
