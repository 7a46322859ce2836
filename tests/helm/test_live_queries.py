"""Rules, dashboard and autoscaling ask a release that runs, with every role, for what it has: by a
parser of PromQL always, and by a real Prometheus where the machine has one."""

import re
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cache.embedded import EmbeddedValkey
from server.windows import WINDOWS_S
from tests.bundles import linear_student, rank_body, serving_folder
from tests.helm.charts import NAME, SERVING, objects_of, over, rendered
from tests.helm.live_release import Release, read, running, wait_until
from tests.helm.prometheus import Prometheus, promtool, scraping
from tests.helm.queries import (
    dashboard_queries,
    groupings,
    plain,
    rule_queries,
    rules_of,
    scaling_queries,
    selectors,
)
from tests.helm.test_rules import rules_file

pytestmark = [pytest.mark.redis, pytest.mark.slow]

VALUES: Final = over(
    SERVING,
    {
        "valkey": {"enabled": True},
        "gateway": {
            "settings": {
                "workers": 2, "drain_s": 0, "coverage_objective": 0.9, "deadline_ms": 4000,
                "cache_timeout_ms": 2000, "served_share": 1.0,
            },
        },
        "archive": {"enabled": True, "claim": "served", "options": {"every_s": 1}},
        "worth": {"enabled": True},
        "neighbours": {"enabled": True, "bundle": "student"},
        "monitoring": {"rules": {"enabled": True}},
    },
)  # fmt: skip
OBJECTS: Final = rendered(VALUES)
RECORDED: Final = {rule["record"] for rule in rules_of(OBJECTS) if "record" in rule}
QUERIES: Final = {
    **rule_queries(OBJECTS), **scaling_queries(objects_of("gpu")), **dict(dashboard_queries()),
}  # fmt: skip
SCRAPED: Final = {"pod", "understudy", "namespace", "refresher_model", "le"}
"""Labels that come with the scrape, or with a histogram."""
ELSEWHERE: Final = {
    "understudy_keys_file_unread": "with a file of keys: tests/server/access",
    "understudy_worth_transfer_low": "from 20 groups of users on: tests/cache/refresh",
    "understudy_worth_transfer_ratio": "likewise",
    "understudy_worth_transfer_high": "likewise",
    "understudy_evidence_total": "while a rollout is judged: tests/server/rollout",
    "redis_memory_used_bytes": "of redis_exporter, which is not ours",
    "redis_memory_max_bytes": "likewise",
}
"""Series that are not there here, and where they are."""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    folder = tmp_path_factory.mktemp("release")
    serving = serving_folder(tmp_path_factory.mktemp("serving"))
    lending = linear_student(serving, tiers=("user", "neighbour"))
    objects = rendered(over(VALUES, {"neighbours": {"bundle": lending.name}}))
    with (
        EmbeddedValkey(folder / "valkey") as valkey,
        running(objects, serving, valkey.url, folder) as release,
    ):
        traffic(release, range(8))
        yield release


def ask(release: Release, user: str, deadline_ms: float = 20_000.0) -> int:
    body = rank_body(user, 20, deadline_ms=deadline_ms)
    body["item_ids"].append("unknown")  # said in `degraded`
    return release.post("/v1/rank", body)


def traffic(release: Release, numbers: Iterable[int]) -> None:
    """Of each an answer, one that comes too late, and an event."""
    for number in numbers:
        user = f"user-{number}"
        assert ask(release, user) == 200
        assert ask(release, user, deadline_ms=0.001) == 504
        happened = {"event_id": user, "type": "click", "user_id": user, "item_id": "item-1"}
        assert release.post("/v1/events", {"events": [happened]}) == 202


@pytest.fixture(scope="module")
def series(release: Release) -> dict[str, set[str]]:
    """Labels by name of the series, of all processes; none known of one without a sample."""
    wanted = ("understudy_refresh_account_pairs{", "understudy_refresh_workers", "ingest_backlog",
              "archive_backlog", "understudy_worth_held", "understudy_neighbours_users",
              "understudy_coverage_ratio{")  # fmt: skip
    wait_until(lambda: all(each in release.page() for each in wanted), "all to be told")
    found: dict[str, set[str]] = {name: set() for name in RECORDED}
    for role in release.ports:
        for family in text_string_to_metric_families(read(f"{release.url(role)}/metrics")):
            names = (f"{family.name}{end}" for end in ("", "_total", "_bucket", "_sum", "_count"))
            found |= {name: set() for name in names if name not in found}
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.fixture(scope="module")
def prometheus(
    release: Release, series: dict[str, set[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    urls = {role: release.url(role) for role in release.ports}
    with scraping(urls, rules_file(OBJECTS, folder), folder) as prometheus:
        wait_until(lambda: prometheus.ups() == dict.fromkeys(urls, "1"), "all to be read")
        yield prometheus


@pytest.mark.parametrize("name", QUERIES)
def test_queries_name_series_that_exist(series: dict[str, set[str]], name: str) -> None:
    told = selectors(QUERIES[name])
    assert told
    for selector in told:
        assert selector.series in series.keys() | ELSEWHERE.keys()
        labels = series.get(selector.series, set())
        if labels:
            assert selector.labels.keys() <= labels | SCRAPED, selector
    own = set().union(*(series.get(each.series, set()) for each in told))
    if own:
        assert groupings(QUERIES[name]) <= own | SCRAPED


def test_queries_ask_for_this_release_alone() -> None:
    for query in QUERIES.values():
        for selector in selectors(query):
            if selector.series.startswith("understudy"):
                assert selector.labels["understudy"] == NAME


def test_queries_ask_for_values_that_are_told(release: Release) -> None:
    page = release.page()
    for query in QUERIES.values():
        for selector in selectors(query):
            told = selector.labels
            assert told.get("window", "5m") in WINDOWS_S
            for label in ("stage", "route", "state", "outcome", "reason", "by"):
                value = told.get(label, "")
                if value and "|" not in value and value not in ("stale", "overloaded"):
                    assert f'{label}="{value}"' in page, selector


def test_series_that_are_elsewhere_are_asked_for() -> None:
    asked = {selector.series for query in QUERIES.values() for selector in selectors(query)}
    assert ELSEWHERE.keys() <= asked


def test_pages_are_as_promtool_wants_them(release: Release) -> None:
    for role in release.ports:
        told = promtool("check", "metrics", told=read(f"{release.url(role)}/metrics"))
        assert (told.returncode, told.stdout + told.stderr) == (0, ""), role


def test_prometheus_takes_every_query(prometheus: Prometheus) -> None:
    wrong = {}
    for name, query in QUERIES.items():
        try:
            prometheus.query(plain(query))
        except RuntimeError as error:
            wrong[name] = str(error)
    assert wrong == {}


def test_prometheus_has_every_series_that_is_asked_for(
    prometheus: Prometheus, release: Release
) -> None:
    asked = {selector.series for query in QUERIES.values() for selector in selectors(query)}
    numbers = count(100)

    def is_recorded() -> bool:
        traffic(release, [next(numbers)])
        return not missing(prometheus, RECORDED)

    wait_until(is_recorded, "what is recorded")
    assert missing(prometheus, asked) == ELSEWHERE.keys()


def missing(prometheus: Prometheus, names: set[str]) -> set[str]:
    return {name for name in names if not prometheus.query(f"count({name})")}


def test_prometheus_evaluates_every_rule(prometheus: Prometheus) -> None:
    def unread() -> list[str]:
        groups = prometheus.asked("rules")["groups"]
        every = [rule for group in groups for rule in group["rules"]]
        assert len(every) == len(rules_of(OBJECTS))
        return [rule["name"] for rule in every if rule["health"] != "ok"]

    wait_until(lambda: unread() == [], "every rule to be evaluated")


def test_shares_that_are_recorded_are_those_of_the_traffic(
    prometheus: Prometheus, release: Release
) -> None:
    def share(name: str) -> float:
        [told] = prometheus.query(f"understudy:{name}") or [{"value": [0, "nan"]}]
        return float(told["value"][1])

    numbers = count(1000)

    def is_told() -> bool:
        traffic(release, [next(numbers)])
        return 0.4 < share("over_budget:ratio_rate5m") < 0.6

    wait_until(is_told, "half of the rankings to be late")
    assert share("errors:ratio_rate5m") == 0.0
    assert 0.0 <= share("coverage:ratio_rate10m") <= 1.0


def test_the_page_has_every_series_that_is_told(release: Release) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/metrics.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| \w+ \| (.*?) \|", page, re.MULTILINE))
    for role in release.ports:
        for family in text_string_to_metric_families(read(f"{release.url(role)}/metrics")):
            name = family.name + ("_total" if family.type == "counter" else "")
            assert name in rows, f"{role}: run `python -m server.metrics_page > docs/metrics.md`"
            named = set(re.findall(r"`(\w+)`:", rows[name])) | {"worker", "le"}
            assert {label for each in family.samples for label in each.labels} <= named, name
