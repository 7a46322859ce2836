"""docs/metrics.md: complete, true to the code, and of use."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final, get_args

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from cache.account import Outcome
from cache.reader import Reason
from models.providers.execution import Provider
from server.access.door import AccessMetrics
from server.errors import ServingError
from server.guide.answers import DEGRADED
from server.guide.gateway import GUIDE
from server.guide.guide import Guide
from server.metrics import LATE, SHED, Metrics
from server.metrics_page import gateway_families, page
from server.shed import HUNG_UP, REASONS
from server.stages import TOTAL

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "metrics.md").read_text("utf-8")
API: Final = (ROOT / "docs" / "api.md").read_text("utf-8")
ROLLOUTS: Final = (ROOT / "docs" / "rollouts.md").read_text("utf-8")
GUIDES: Final[dict[str, Guide]] = {k: v for part in GUIDE.values() for k, v in part.items()}


def rows() -> dict[str, list[str]]:
    """Cells by name of the series."""
    lines = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    return {name: rest.split(" | ") for name, rest in lines}


def test_the_page_is_that_of_the_code() -> None:
    assert page() == PAGE, "run `python -m server.metrics_page > docs/metrics.md`"


def test_the_command_of_the_page_prints_it() -> None:
    command = [sys.executable, "-m", "server.metrics_page"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout == PAGE


def test_every_series_of_a_gateway_has_a_guide() -> None:
    assert sorted(gateway_families()) == sorted(GUIDES)


@pytest.mark.parametrize("name", rows())
def test_series_says_what_it_is_in_words_of_its_own(name: str) -> None:
    kind, _, unit, told, use = rows()[name]
    assert kind in ("counter", "gauge", "histogram")
    assert unit
    assert len(told.split()) >= 2
    assert len(use.split()) >= 3
    bare = re.sub(r"^understudy_|_total$", "", name).replace("_", " ")
    assert told.lower() != bare


def test_names_follow_prometheus() -> None:
    for name, (kind, labels, *_) in rows().items():
        assert re.fullmatch(r"understudy_[a-z][a-z0-9_]*[a-z0-9]", name)
        assert name.endswith("_total") == (kind == "counter"), name
        assert not re.search(r"_(ms|millis|count|sum|bucket|created)$", name), name
        assert not set(re.findall(r"`(\w+)`:", labels)) & {"le", "quantile", "job", "instance"}


def test_labels_of_the_page_are_those_of_the_code() -> None:
    metrics = Metrics()
    AccessMetrics().register(metrics.registry)
    text = generate_latest(metrics.registry).decode()
    for family in text_string_to_metric_families(text):
        name = family.name + ("_total" if family.type == "counter" else "")
        for sample in family.samples:
            assert sample.labels.keys() - {"le"} == GUIDES[name].labels.keys(), name


def test_values_of_labels_are_those_of_the_code() -> None:
    assert {*REASONS.values(), HUNG_UP} == set(SHED)
    assert LATE[1] in DEGRADED[LATE[0]]
    assert {*get_args(Reason), "stale"} == set(DEGRADED["cache"])
    assert GUIDES["understudy_provider_info"].labels["provider"] == get_args(Provider)
    assert all(kind in ServingError.__subclasses__() for kind in REASONS)
    assert len(Outcome) == 8


def test_what_degraded_can_say_is_what_the_page_of_the_api_explains() -> None:
    explained = API.split("### What `degraded` can say")[1].split("\n## ")[0]
    for stage, reasons in DEGRADED.items():
        assert f"`{stage}`" in explained or stage == TOTAL
        for reason in reasons:
            assert f"`{reason.removesuffix('_stand_in')}`" in explained, (stage, reason)


def test_what_evidence_can_be_is_what_the_page_of_rollouts_explains() -> None:
    explained = ROLLOUTS.split("| `what` | |")[1].split("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", explained))
    told = GUIDES["understudy_evidence_total"].labels["what"]
    assert set(told) == named


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", PAGE):
        assert (ROOT / "docs" / link).exists(), link
