"""Keys over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.bundles import rank_body
from tests.server.access.keys import entry, write_keys
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for, wait_until


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_keys(
        tmp_path_factory.mktemp("keys") / "keys.toml",
        entry("free"),
        entry("small", "candidates_per_s = 0.01", "burst_candidates = 10"),
        entry("tried", "candidates_per_s = 0.01", "burst_candidates = 10", "dry_run = true"),
    )


@pytest.fixture(scope="module")
def keyed(served: Served, keys: Path) -> Iterator[httpx.Client]:
    with live_gateway(settings_for(served.student, keys=keys)) as client:
        yield client


def rank(client: httpx.Client, secret: str | None, count: int = 10) -> httpx.Response:
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    return client.post("/v1/rank", json=rank_body("user-1", count), headers=headers)


@pytest.mark.parametrize("secret", [None, "wrong"])
def test_ranking_needs_a_key_where_there_are_keys(keyed: httpx.Client, secret: str | None) -> None:
    answer = rank(keyed, secret)
    assert answer.status_code == 401
    assert answer.json()["field"] == "Authorization"


def test_key_without_quota_ranks(keyed: httpx.Client) -> None:
    assert [rank(keyed, "free").status_code for _ in range(5)] == [200] * 5


def test_what_exceeds_a_quota_is_refused_and_counted(keyed: httpx.Client) -> None:
    assert rank(keyed, "small").status_code == 200
    refused = rank(keyed, "small")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 1
    assert refused.json()["title"] == "Quota exceeded"
    metrics = keyed.get("/metrics").text
    assert 'understudy_key_candidates_total{key="small"} 10.0' in metrics
    assert 'understudy_key_over_quota_total{key="small",outcome="refused"} 10.0' in metrics


def test_dry_run_counts_and_answers(keyed: httpx.Client) -> None:
    assert [rank(keyed, "tried").status_code for _ in range(3)] == [200] * 3
    page = keyed.get("/metrics").text
    assert 'understudy_key_over_quota_total{key="tried",outcome="dry_run"} 20.0' in page


def test_probes_need_no_key(keyed: httpx.Client) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert keyed.get(path).status_code == 200


def test_document_says_that_a_key_is_needed(keyed: httpx.Client) -> None:
    document = keyed.get("/openapi.json").json()
    assert document["paths"]["/v1/rank"]["post"]["security"] == [{"key": []}]
    assert "401" in document["paths"]["/v1/rank"]["post"]["responses"]


def test_key_that_is_added_while_it_runs_comes_in(served: Served, tmp_path: Path) -> None:
    path = write_keys(tmp_path / "keys.toml", entry("one"))
    with live_gateway(settings_for(served.student, keys=path)) as client:
        assert rank(client, "two").status_code == 401
        write_keys(path, entry("one"), entry("two"))
        wait_until(lambda: rank(client, "two").status_code == 200, "the new key")
