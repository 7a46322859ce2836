"""Whatever a process behind the cache counts is said what it is."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

import cache.refresh.tally
from cache.refresh.series.kind import Series
from cache.refresh.series.measuring import PASSED
from cache.refresh.series.roles import SERIES, full_name
from cache.refresh.tally import Tally
from cache.refresh.worth_judge import Passed

FOLDER: Final = Path(cache.refresh.tally.__file__).parent
KNOWN: Final = {name: series for role in SERIES.values() for name, series in role.items()}
ELSEWHERE: Final = {"no_room", "no_time", "damaged", "failed"}
"""Why the loop passes over a request; the rest the judge says."""


def calls() -> Iterator[ast.Call]:
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and "tally.add" in ast.unparse(node.func):
                yield node


def words(node: ast.expr) -> set[str]:
    """Texts that an expression may give, as far as they stand in it."""
    if isinstance(node, ast.IfExp):
        return words(node.body) | words(node.orelse)
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return {node.value} if is_text else set()  # type: ignore[attr-defined]


def levels() -> Iterator[str]:
    """Names of levels that are set one by one, and of those that are set together."""
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("tally.levels"):
                yield from words(node.slice)
            if isinstance(node, ast.AugAssign) and ast.unparse(node.target).endswith("levels"):
                assert isinstance(node.value, ast.Dict)
                yield from (word for key in node.value.keys if key for word in words(key))


def test_every_count_is_described_with_its_outcomes() -> None:
    names: set[str] = set()
    for call in calls():
        [name] = words(call.args[0])
        told = {outcome for s in SERIES.values() if name in s for outcome in _outcomes(s[name])}
        assert words(call.args[1]) <= told, ast.unparse(call)
        names.add(name)
    assert len(names) > 15
    counters = {name for name, series in KNOWN.items() if series.kind == "counter"}
    assert counters - names == {"speculation", "speculation_dropped"}  # set by measure()


def _outcomes(series: Series) -> tuple[str, ...]:
    return series.labels.get("outcome", ())


def test_every_level_is_described() -> None:
    found = set(levels())
    assert len(found) > 10
    gauges = {name for name, series in KNOWN.items() if series.kind == "gauge"}
    assert found <= gauges


def test_whys_of_worth_are_those_of_its_judge() -> None:
    assert set(PASSED) == {each.value for each in Passed} | ELSEWHERE


@pytest.mark.parametrize("role", SERIES)
def test_counters_begin_at_0(role: str) -> None:
    told = {family.name: family for family in families(Tally(role))}
    for name, series in SERIES[role].items():
        if series.kind == "counter" and series.is_always:
            family = told[full_name(role, name, series).removesuffix("_total")]
            assert family.documentation == series.help
            outcomes = {sample.labels["outcome"] for sample in family.samples}
            assert outcomes == set(series.labels["outcome"])
            assert {sample.value for sample in family.samples} == {0.0}


def test_what_is_not_used_shows_nothing() -> None:
    assert not [each for each in families(Tally("refresh")) if "speculation" in each.name]


def test_counts_of_a_role_that_nobody_describes_are_shown() -> None:
    tally = Tally("other")
    tally.add("things", "done", 2)
    [family] = families(tally)
    assert (family.name, family.documentation) == ("understudy_other_things", "things")


def families(tally: Tally) -> list[Metric]:
    registry = CollectorRegistry()
    registry.register(tally)
    return list(text_string_to_metric_families(generate_latest(registry).decode()))


def test_names_clash_with_no_others() -> None:
    """In OpenMetrics a counter's family has no `_total`."""
    for role, every in SERIES.items():
        names = [full_name(role, n, s).removesuffix("_total") for n, s in every.items()]
        assert len(set(names)) == len(names)
