"""The imitated Dokploy: what it answers, what it refuses, and what it forgets when it is asked to."""

import time
from collections.abc import Iterator

import httpx
import pytest
from deployments import READ, STORED, WRITE, Instance, instance
from practice.wires.deploy import board, dotenv

FIELDS = {"env": "A=1\n", "buildArgs": None, "buildSecrets": None, "createEnvFile": True}


@pytest.fixture
def dokploy() -> Iterator[Instance]:
    with instance() as opened:
        yield opened


def call(dokploy: Instance, method: str, name: str, token: str = WRITE, app: str = "api", **given) -> httpx.Response:
    body = {"applicationId": dokploy.board.id_of(app), **given}
    what = {"params": body} if method == "GET" else {"json": body}
    return httpx.request(method, f"{dokploy.url}/{name}", headers={"x-api-key": token}, trust_env=False, **what)


def ended(dokploy: Instance, title: str) -> dict:
    """The deployment of this title, once it has ended."""
    for _ in range(500):
        found = next(one for one in call(dokploy, "GET", "deployment.all").json() if one["title"] == title)
        if found["status"] != "running":
            return found
        time.sleep(0.01)
    raise TimeoutError(title)


def test_an_application_is_shown_with_its_whole_stored_text(dokploy: Instance) -> None:
    shown = call(dokploy, "GET", "application.one", READ).json()
    assert (shown["appName"], shown["env"], shown["createEnvFile"]) == ("shop-api", STORED, True)


def test_saving_replaces_everything_and_starts_nothing(dokploy: Instance) -> None:
    assert call(dokploy, "POST", "application.saveEnvironment", **FIELDS).json() is True
    assert call(dokploy, "GET", "application.one").json()["env"] == "A=1\n"
    assert dokploy.hosted["api"].built == []


@pytest.mark.parametrize("missing", FIELDS)
def test_saving_needs_all_five_fields(dokploy: Instance, missing: str) -> None:
    given = {name: value for name, value in FIELDS.items() if name != missing}
    refused = call(dokploy, "POST", "application.saveEnvironment", **given)
    assert (refused.status_code, refused.json()["code"]) == (400, "BAD_REQUEST")
    assert dokploy.hosted["api"].stored == STORED


def test_a_redeployment_takes_a_while_and_builds_with_what_is_stored(
    dokploy: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "BUILD_SECONDS", 1.5)
    assert call(dokploy, "POST", "application.redeploy", title="one").json() is True
    assert call(dokploy, "GET", "deployment.all").json()[0]["status"] == "running"
    assert dokploy.hosted["api"].built == []
    done = ended(dokploy, "one")
    assert (done["status"], done["errorMessage"]) == ("done", None)
    assert dokploy.hosted["api"].built == [(dotenv.parse(STORED), True)]


def test_a_deployment_that_fails_says_why_and_changes_nothing(dokploy: Instance) -> None:
    dokploy.board.fail_next("api", "npm ERR! out of memory")
    call(dokploy, "POST", "application.redeploy", title="one")
    assert ended(dokploy, "one")["status"] == "error"
    assert ended(dokploy, "one")["errorMessage"] == "npm ERR! out of memory"
    assert dokploy.hosted["api"].built == []
    call(dokploy, "POST", "application.redeploy", title="two")
    assert ended(dokploy, "two")["status"] == "done"


def test_a_reload_starts_anew_without_building(dokploy: Instance) -> None:
    assert call(dokploy, "POST", "application.reload", appName="shop-api").json() is True
    assert dokploy.hosted["api"].built == [(dotenv.parse(STORED), False)]


def test_stop_and_start_reach_the_container(dokploy: Instance) -> None:
    assert call(dokploy, "POST", "application.stop").json()["applicationStatus"] == "idle"
    assert call(dokploy, "POST", "application.start").json()["applicationStatus"] == "done"
    assert dokploy.hosted["api"].process.calls == ["stop", "start"]


@pytest.mark.parametrize(
    ("token", "method", "name", "status"),
    [
        ("nobody", "GET", "application.one", 401),
        (READ, "POST", "application.saveEnvironment", 403),
        (READ, "POST", "application.redeploy", 403),
        ("deploys", "POST", "application.redeploy", 200),
        ("deploys", "POST", "application.saveEnvironment", 403),
        (WRITE, "GET", "application.saveEnvironment", 404),
        (WRITE, "POST", "application.delete", 404),
    ],
)
def test_a_token_may_do_what_it_was_given(dokploy: Instance, token: str, method: str, name: str, status: int) -> None:
    dokploy.board.grant("deploys", "deployment")
    assert call(dokploy, method, name, token, **FIELDS).status_code == status


def test_a_permission_holds_for_one_application(dokploy: Instance) -> None:
    dokploy.board.grant("web-only", "read", "envVars", app="web")
    assert call(dokploy, "GET", "application.one", "web-only", "web").status_code == 200
    assert call(dokploy, "GET", "application.one", "web-only", "api").status_code == 403


def test_an_application_that_is_not_there(dokploy: Instance) -> None:
    answer = httpx.get(f"{dokploy.url}/application.one", params={"applicationId": "x"}, headers={"x-api-key": READ})
    assert (answer.status_code, answer.json()["message"]) == (404, "Application not found")


def test_the_same_seed_gives_the_same_ids() -> None:
    with instance(3) as one, instance(3) as other, instance(4) as third:
        assert one.board.id_of("api") == other.board.id_of("api") != third.board.id_of("api")
