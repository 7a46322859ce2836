"""docs/kubernetes.md names values that exist."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.helm.charts import MODES, NAMESPACE, chart, over, read_values, render
from tests.helm.containerfile import targets

PAGE: Final = (Path(__file__).resolve().parents[2] / "docs/kubernetes.md").read_text("utf-8")
BLOCKS: Final = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


@pytest.mark.parametrize("values", [each for each in BLOCKS if "rules" not in each], ids=str)
def test_values_of_the_page_are_taken(values: dict[str, Any]) -> None:
    rest = {"artifact": {"claim": "a"}, "valkey": {"enabled": True}}
    assert render(over(rest, values))


def test_paths_of_the_page_are_values() -> None:
    top = read_values("values.yaml")
    named = set(re.findall(rf"`((?:{'|'.join(top)})(?:\.\w+)+)", PAGE))
    assert len(named) > 8
    for path in named:
        at: Any = top
        for key in path.split("."):
            assert isinstance(at, dict), path
            assert key in at, path
            at = at[key]


def test_the_install_of_the_page_renders() -> None:
    pairs = re.findall(r"--set ([\w.]+)=(\S+)", PAGE)
    values: dict[str, Any] = {}
    for path, text in pairs:
        leaf: Any = yaml.safe_load(text)
        for key in reversed(path.split(".")):
            leaf = {key: leaf}
        values = over(values, leaf)
    assert len(pairs) == 3
    assert render(values)
    assert f"--namespace {NAMESPACE}" in PAGE


def test_adapter_rules_name_what_the_autoscalers_ask_for() -> None:
    [adapter] = [each["rules"] for each in BLOCKS if "rules" in each]
    assert adapter["custom"][0]["seriesQuery"].startswith("understudy_inflight_candidates{")
    assert adapter["external"][0]["seriesQuery"].startswith("understudy_refresh_backlog{")


def test_the_page_names_every_image_and_the_modes() -> None:
    for target in {each.removesuffix("-gpu") for each in targets()}:
        assert f"`{target}`" in PAGE
    assert "six modes" in PAGE
    assert len(MODES) == 6


def test_the_chart_packs_what_it_reads() -> None:
    names = {each["name"] for each in chart().files}
    assert {"files/dashboard.json", "files/alerts.yaml", "files/tests/rank.py"} <= names
    assert not [name for name in names if name.startswith("ci/")]
