"""Several models in one gateway: each request by the one that it names."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.bundles import linear_student, rank_body
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.test_not_ready import refusal


@pytest.fixture(scope="module")
def both(served: Served) -> Iterator[httpx.Client]:
    bundles = f"{served.student},{served.alone}"
    with live_gateway(settings_for(bundles)) as client:  # type: ignore[arg-type]
        yield client


def answered(client: httpx.Client, **extra: str) -> dict[str, object]:
    answer = client.post("/v1/rank", json=rank_body("u", 9) | extra)
    return {"status": answer.status_code, **answer.json()}


def test_request_is_answered_by_the_model_that_it_names(both: httpx.Client) -> None:
    assert answered(both, model="alone")["model"] == "alone"
    assert answered(both, model="student")["model"] == "student"
    versions = {answered(both, model=name)["version"] for name in ("alone", "student")}
    assert len(versions) == 2


def test_request_that_names_none_is_answered_by_the_first(both: httpx.Client) -> None:
    assert answered(both)["model"] == "student"
    assert both.get("/readyz").json()["model"] == "student"


def test_refusal_of_another_model_names_those_that_are_served(both: httpx.Client) -> None:
    refused = answered(both, model="other")
    assert refused["status"] == 404
    assert refused["detail"] == "the models served here are student, alone"
    assert refused["remedy"] == "leave model out, or name one of them"


def test_each_model_is_named_in_metrics_status_and_protocol(both: httpx.Client) -> None:
    page = both.get("/metrics").text
    for name in ("alone", "student"):
        assert f'understudy_bundle_info{{lane="stable",model="{name}"' in page
        assert both.get(f"/v2/models/{name}").json()["name"] == name
    students = both.get("/v1/cache/status").json()["students"]
    assert [each["model"] for each in students] == ["student", "alone"]
    index = both.post("/v2/repository/index").json()
    assert {each["name"] for each in index} == {"student", "alone"}


def test_two_bundles_of_one_model_are_refused(served: Served, tmp_path: Path) -> None:
    other = linear_student(tmp_path, seed=77)
    assert "two bundles are of the model student" in refusal(f"{served.student},{other}")  # type: ignore[arg-type]
