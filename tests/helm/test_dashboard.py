"""The dashboard is one that Grafana shows as it is meant: its structure, as far as that can be said
without a Grafana. Its queries are asked in test_live_queries.py."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.helm.charts import objects_of
from tests.helm.queries import dashboard, panels, selectors

BOARD: Final = dashboard()
PANELS: Final = panels()
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
VARIABLES: Final = [each["name"] for each in BOARD["templating"]["list"]]
ROWS: Final = [
    "Traffic and latency by stage", "Coverage and freshness", "Cache and Redis", "Backstage",
    "Rollouts", "Errors, degraded, shed",
]  # fmt: skip
BUILT_IN: Final = {"__rate_interval"}
UNITS: Final = {"reqps", "s", "percentunit", "short"}


def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
    at = panel["gridPos"]
    return {
        (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    }


def targets() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel, target


def test_it_arrives_as_it_is_kept() -> None:
    told = objects_of("prod").one("ConfigMap", "dashboard")
    assert told["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(told["data"]["understudy.json"]) == BOARD


def test_panels_have_a_place_and_a_number_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        here = cells(panel)
        assert not here & taken, panel["title"]
        assert max(x for x, _ in here) < 24
        taken |= here
    numbers = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    assert len({panel["title"] for panel in BOARD["panels"]}) == len(numbers)


def test_every_panel_stands_in_its_row() -> None:
    rows = [panel for panel in BOARD["panels"] if panel["type"] == "row"]
    assert [row["title"] for row in rows] == ROWS
    # Grafana takes what stands below an open row, up to the next one, as its own.
    order = [(each["gridPos"]["y"], each["gridPos"]["x"]) for each in BOARD["panels"]]
    assert order == sorted(order)
    assert BOARD["panels"][0] in rows
    for row in rows:
        assert row["panels"] == []
        assert row["gridPos"]["w"] == 24


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_panel_reads_the_chosen_source_and_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["type"] in ("timeseries", "table")
    assert panel["description"].endswith(".")
    assert panel["datasource"] == DATASOURCE
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["targets"]
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references)
    for target in panel["targets"]:
        assert target["datasource"] == DATASOURCE
        assert selectors(target["expr"])


def test_variables_are_there_and_have_a_source() -> None:
    assert VARIABLES == ["datasource", "namespace", "understudy", "model", "lane"]
    source, *asked = BOARD["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    known: set[str] = {"datasource"}
    for each in asked:
        assert each["datasource"] == DATASOURCE
        # Series without the label are shown as well: who scrapes without an operator has none.
        assert (each["includeAll"], each["allValue"]) == (True, ".*")
        query, label = re.fullmatch(r"label_values\((.+), (\w+)\)", each["query"]["query"]).groups()  # type: ignore[union-attr]
        assert label == each["name"]
        assert selectors(query)
        assert set(re.findall(r"\$(\w+)", query)) <= known
        known.add(each["name"])


def test_queries_name_variables_that_exist() -> None:
    used: set[str] = set()
    for _, target in targets():
        used.update(re.findall(r"\$(\w+)", target["expr"]))
    assert used - BUILT_IN == set(VARIABLES) - {"datasource"}


def test_legends_name_labels_that_the_query_keeps() -> None:
    for panel, target in targets():
        named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        query = target["expr"]
        kept = all(re.search(rf"by \([^)]*\b{label}\b", query) for label in named)
        assert kept, f"{panel['title']}: {query}"


def test_alerts_are_marked_in_all_panels() -> None:
    [marks] = BOARD["annotations"]["list"]
    assert marks["datasource"] == DATASOURCE
    assert selectors(marks["expr"])[0].series == "ALERTS"
