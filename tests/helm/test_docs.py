"""docs/kubernetes.md names values that exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.helm.charts import (
    MODES,
    NAMESPACE,
    RELEASE,
    chart,
    over,
    read_values,
    render,
    rendered,
)
from tests.helm.containerfile import targets
from tests.helm.queries import selectors

PAGE: Final = (Path(__file__).resolve().parents[2] / "docs/kubernetes.md").read_text("utf-8")
BLOCKS: Final = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
INSTALL: Final = BLOCKS[0]
FILLED: Final = {
    "Series": "understudy_stage_seconds_bucket", "LabelMatchers": 'pod="a"', "GroupBy": "pod",
}  # fmt: skip
"""What the adapter writes in their places."""


@pytest.mark.parametrize("values", [each for each in BLOCKS[1:] if "rules" not in each], ids=str)
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
    objects = rendered(INSTALL)
    assert objects.of("Deployment").keys() == {"gateway", "refresher", "ingest"}
    assert f"--namespace {NAMESPACE} --values ads.yaml --wait" in PAGE
    assert f"helm upgrade --install {RELEASE} helm/understudy" in PAGE


def test_secrets_that_the_install_names_are_made_first() -> None:
    told = re.findall(
        r"create secret [a-z-]+ (understudy-[a-z]+).*?--(?:from|docker)", PAGE, re.DOTALL
    )
    assert set(told) == set(INSTALL["image"]["pullSecrets"]) | set(_secrets(INSTALL))
    for name, secret in (("admin", "gateway.adminToken"), ("valkey", "valkey.password")):
        part, key = secret.split(".")
        literal = read_values("values.yaml")[part][key]["key"]
        assert re.search(rf"generic understudy-{name} --from-literal={literal}=", PAGE)


def _secrets(values: dict[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        if key == "secretName":
            yield value
        elif isinstance(value, dict):
            yield from _secrets(value)


def test_images_that_the_install_needs_are_built_and_pushed_first() -> None:
    [loop] = re.findall(r"^for target in ([\w ]+); do$", PAGE, re.MULTILINE)
    assert set(loop.split()) <= set(targets())
    found = {each["image"] for _, pod in rendered(INSTALL).pods() for each in pod["containers"]}
    registry = INSTALL["image"]["registry"]
    built = {f"{registry}/understudy-{target}:0.1.0" for target in loop.split()}
    assert {image for image in found if "understudy" in image} <= built
    assert f"podman push {INSTALL['artifact']['image']}" in PAGE


def test_objects_that_the_page_names_are_those_of_the_release() -> None:
    objects = rendered(
        over(INSTALL, {"loadTest": {"enabled": True}, "valkey": {"mode": "cluster"}})
    )
    held = {each["metadata"]["name"] for each in objects.all}
    named = set(re.findall(rf"\b(?:job|deployment|service)[/ ]({RELEASE}-[a-z0-9-]+)", PAGE))
    assert named == {
        f"{RELEASE}-understudy-{name}" for name in ("gateway", "test-load", "forming-1")
    }
    assert named <= held


def test_adapter_rules_name_what_the_autoscalers_ask_for() -> None:
    [adapter] = [each["rules"] for each in BLOCKS if "rules" in each]
    assert adapter["custom"][0]["seriesQuery"].startswith("understudy_inflight_candidates{")
    waiting = adapter["custom"][1]
    assert waiting["seriesQuery"].startswith("understudy_stage_seconds_bucket{")
    assert waiting["name"] == {"as": "understudy_queue_p99_ms"}
    query = re.sub(r"<<\.(\w+)>>", lambda found: FILLED[found[1]], waiting["metricsQuery"])
    assert [each.labels for each in selectors(query)] == [{"pod": "a", "stage": "queue"}]
    assert adapter["external"][0]["seriesQuery"].startswith("understudy_refresh_backlog{")


def test_the_page_names_every_image_and_the_modes() -> None:
    for target in {each.removesuffix("-gpu") for each in targets()}:
        assert f"`{target}`" in PAGE
    assert "eight modes" in PAGE
    assert len(MODES) == 8


def test_the_chart_packs_what_it_reads() -> None:
    names = {each["name"] for each in chart().files}
    assert {"files/dashboard.json", "files/alerts.yaml", "files/tests/rank.py"} <= names
    assert not [name for name in names if name.startswith("ci/")]
