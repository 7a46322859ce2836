"""What the chart starts does start, passes `helm test`, and has the series that are asked for."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cache.embedded import EmbeddedValkey
from server.windows import WINDOWS_S
from tests.bundles import rank_body, serving_folder
from tests.helm.charts import CHART, SERVING, container, objects_of, over, rendered
from tests.helm.live_release import Release, read, running, wait_until
from tests.helm.queries import (
    dashboard_queries,
    groupings,
    rule_queries,
    scaling_queries,
    selectors,
)

pytestmark = pytest.mark.redis

QUERIES: Final = {
    **rule_queries(objects_of("prod")), **scaling_queries(objects_of("gpu")),
    **dict(dashboard_queries()),
}  # fmt: skip
VALUES: Final = over(
    SERVING,
    {
        "valkey": {"enabled": True},
        "gateway": {
            "settings": {
                "workers": 2, "drain_s": 0, "coverage_objective": 0.9, "deadline_ms": 4000,
                "cache_timeout_ms": 2000,
            },
        },
    },
)  # fmt: skip
SCRAPED: Final = {"pod", "understudy", "le"}
"""Labels that come with the scrape, or with a histogram."""
KEYS_ONLY: Final = {"understudy_keys_file_unread"}
"""There with a file of keys; tests/server/access knows it."""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    folder = tmp_path_factory.mktemp("release")
    serving = serving_folder(tmp_path_factory.mktemp("serving"))
    with (
        EmbeddedValkey(folder / "valkey") as valkey,
        running(rendered(VALUES), serving, valkey.url, folder) as release,
    ):
        for number in range(4):
            body = rank_body(f"user-{number}", 20, deadline_ms=20_000)
            body["item_ids"].append("unknown")  # said in `degraded`
            wait_until(lambda: post(release, "/v1/rank", body) == 200, "a slate")  # noqa: B023
        post(release, "/v1/rank", rank_body("late", 20, deadline_ms=0.001))
        yield release


def post(release: Release, path: str, body: dict[str, Any]) -> int:
    connection = HTTPConnection("127.0.0.1", release.ports["gateway"], timeout=10.0)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@pytest.fixture(scope="module")
def series(release: Release) -> dict[str, set[str]]:
    """Labels by name of the series, of all processes; none known of one without a sample."""
    wanted = ("understudy_refresh_account_pairs{", "understudy_refresh_workers", "ingest_backlog",
              'understudy_coverage_ratio{')  # fmt: skip
    wait_until(lambda: all(each in release.page() for each in wanted), "all to be told")
    found: dict[str, set[str]] = {}
    for role in release.ports:
        for family in text_string_to_metric_families(_page(release, role)):
            names = (f"{family.name}{end}" for end in ("", "_total", "_bucket", "_sum", "_count"))
            found |= {name: set() for name in names if name not in found}
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


def _page(release: Release, role: str) -> str:
    return read(f"{release.url(role)}/metrics")


@pytest.mark.parametrize("name", ["ready", "rank", "cache"])
def test_pods_of_helm_test_end_well(release: Release, name: str) -> None:
    script = (CHART / f"files/tests/{name}.py").read_text("utf-8")
    told = release.run_test(script, {})
    assert told.returncode == 0, told.stderr
    assert told.stdout


def test_pods_of_helm_test_fail_where_nobody_answers(release: Release) -> None:
    for name in ("ready", "rank"):
        script = (CHART / f"files/tests/{name}.py").read_text("utf-8")
        told = release.run_test(script, {"GATEWAY_URL": "http://127.0.0.1:9"})
        assert told.returncode != 0


def test_the_load_of_helm_test_reaches_the_gateway(release: Release, tmp_path: Path) -> None:
    lines = [
        json.dumps({"request": rank_body(f"user-{number}", 20, timestamp_ms=0), "shown": []})
        for number in range(40)
    ]
    (tmp_path / "replay.jsonl").write_text("\n".join(lines) + "\n")
    load = {"loadTest": {"enabled": True, "ratePerS": 500, "seconds": 2, "p99Ms": 4000}}
    job = rendered(over(VALUES, load)).one("Job", "test-load")
    told = release.run(container(job["spec"]["template"]["spec"], "load"), tmp_path)
    outcome = json.loads(told.stdout)
    # A machine that does other things may fall behind the schedule; it must not lose requests.
    late = [line for line in outcome["broken"] if "intended rate" in line]
    assert (outcome["requests"], outcome["failed"], outcome["shed"]) == (1000, 0, 0)
    assert outcome["broken"] == late
    assert told.returncode == (3 if outcome["invalid"] else bool(late))


@pytest.mark.parametrize("name", QUERIES)
def test_queries_name_series_that_exist(series: dict[str, set[str]], name: str) -> None:
    told = selectors(QUERIES[name])
    assert told
    for selector in told:
        assert selector.series in series.keys() | KEYS_ONLY
        labels = series.get(selector.series, set())
        if labels:
            assert selector.labels.keys() <= labels | SCRAPED, selector


@pytest.mark.parametrize("name", QUERIES)
def test_queries_group_by_labels_that_exist(series: dict[str, set[str]], name: str) -> None:
    own = set().union(*(series.get(each.series, set()) for each in selectors(QUERIES[name])))
    if own:
        assert groupings(QUERIES[name]) <= own | SCRAPED


def test_queries_ask_for_this_release_alone() -> None:
    for query in QUERIES.values():
        for selector in selectors(query):
            assert selector.labels["understudy"] in ("ads-understudy", "$understudy")


def test_queries_ask_for_values_that_are_told(release: Release) -> None:
    page = release.page()
    for query in QUERIES.values():
        for selector in selectors(query):
            told = selector.labels
            assert told.get("window", "5m") in WINDOWS_S
            for label in ("stage", "route", "state", "outcome"):
                value = told.get(label, "")
                if value and "|" not in value and not value.startswith("$"):
                    assert f'{label}="{value}"' in page, selector


def test_the_end_is_orderly(release: Release) -> None:
    """Last: nobody asks after it."""
    assert release.end() == {"gateway": 0, "refresher": 0, "ingest": 0}
