"""Helm's own lint, in each mode and with no values at all."""

import helm_python
import pytest

from tests.helm.charts import CHART, MODES, values_of

INFO = 1


@pytest.mark.parametrize("mode", MODES)
def test_lint_finds_nothing(mode: str) -> None:
    told = helm_python.lint(CHART, values_of(mode), strict=True)
    assert told["total_charts_linted"] == 1
    assert [each for each in told["messages"] if each["severity"] > INFO] == []
    assert not told.get("errors")


def test_lint_would_find_a_typo() -> None:
    told = helm_python.lint(CHART, {**values_of("minimal"), "gatway": {}}, strict=True)
    assert told.get("errors")


def test_chart_says_what_it_is() -> None:
    with helm_python.Chart.load(CHART) as chart:
        assert chart.metadata["apiVersion"] == "v2"
        assert chart.name == CHART.name == "understudy"
