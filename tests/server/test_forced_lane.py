"""X-Understudy-Lane: who may name a lane, and what they get."""

from collections.abc import Iterator

import httpx
import pytest

from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for

TOKEN = {"X-Understudy-Lane-Token": "secret"}


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    with live_gateway(settings_for(served.student, admin_token="secret")) as client:
        yield client


def asked(client: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    return client.post("/v1/rank", json=rank_body("u", 5), headers=headers)


def test_named_lane_answers(client: httpx.Client) -> None:
    assert asked(client, TOKEN | {"X-Understudy-Lane": "stable"}).json()["lane"] == "stable"


@pytest.mark.parametrize("token", [{}, {"X-Understudy-Lane-Token": "guessed"}])
def test_without_the_token_nobody_names_a_lane(client: httpx.Client, token: dict[str, str]) -> None:
    refused = asked(client, token | {"X-Understudy-Lane": "stable"})
    assert (refused.status_code, refused.json()["field"]) == (401, "x-understudy-lane-token")


def test_lane_that_is_not_there_is_refused_by_name(client: httpx.Client) -> None:
    refused = asked(client, TOKEN | {"X-Understudy-Lane": "canary"})
    assert (refused.status_code, refused.json()["value"]) == (422, "canary")
    assert "stable" in refused.json()["detail"]


def test_without_an_admin_token_the_header_means_nothing(gateway: httpx.Client) -> None:
    assert asked(gateway, {"X-Understudy-Lane": "canary"}).json()["lane"] == "stable"
