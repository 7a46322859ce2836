"""The rules are ones that Prometheus takes, each alert fires when it should and not before, and
leads to a page that says what to do."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.helm.charts import CHART, NAME, Objects, over, rendered, values_of
from tests.helm.prometheus import promtool
from tests.helm.queries import rule_queries, rules_of, selectors
from tests.markdown import ROOT, anchors

PAGE: Final = ROOT / "docs" / "alerts.md"
EVERY_ROLE: Final = {"worth": {"enabled": True}}
OBJECTS: Final = rendered(over(values_of("prod"), EVERY_ROLE))
RULES: Final = rules_of(OBJECTS)
ALERTS: Final = {rule["alert"]: rule for rule in RULES if "alert" in rule}
CASES: Final[list[dict[str, Any]]] = yaml.safe_load(
    Path(__file__).with_name("alert_cases.yaml").read_text("utf-8")
)


def rules_file(objects: Objects, folder: Path) -> Path:
    """As the operator would give it to Prometheus."""
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump(objects.one("PrometheusRule", "rules")["spec"]))
    return path


def sections() -> dict[str, str]:
    """Runbooks by alert."""
    parts = re.split(r"^### (\w+)\n", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_alert_is_tested() -> None:
    assert sorted(case["alert"] for case in CASES) == sorted(ALERTS)


def test_rules_are_taken(tmp_path: Path) -> None:
    told = promtool("check", "rules", "--lint=all", str(rules_file(OBJECTS, tmp_path)))
    assert told.returncode == 0, told.stdout + told.stderr


def test_alerts_fire_when_they_should_and_not_before(tmp_path: Path) -> None:
    ran = promtool("test", "rules", *(str(_written(case, tmp_path)) for case in CASES))
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _written(case: dict[str, Any], folder: Path) -> Path:
    """A file of promtool's, beside one with the alert and what is recorded for it: with all rules
    in each, most of the time would go into evaluating the others."""
    alert = ALERTS[case["alert"]]
    needed = [rule for rule in RULES if rule.get("record", "nothing") in alert["expr"]]
    rules, tests = folder / f"{case['alert']}-rules.yaml", folder / f"{case['alert']}.yaml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "rules", "rules": [*needed, alert]}]}))
    told = {"rule_files": [rules.name], "evaluation_interval": "1m", "tests": [_test(case)]}
    tests.write_text(yaml.safe_dump(told))
    return tests


def _test(case: dict[str, Any]) -> dict[str, Any]:
    """In promtool's own words."""
    alert = case["alert"]
    fired = {
        "exp_labels": {**case["labels"], "understudy": NAME},
        "exp_annotations": {
            "summary": case["summary"],
            "description": case["description"],
            "runbook_url": f"docs/alerts.md#{alert.lower()}",
        },
    }
    return {
        "name": alert,
        "interval": "1m",
        "input_series": [
            {"series": series.replace("{", f'{{understudy="{NAME}",', 1), "values": values}
            for series, values in case["series"].items()
        ],
        "alert_rule_test": [
            {"alertname": alert, "eval_time": case["quiet"], "exp_alerts": []},
            {"alertname": alert, "eval_time": case["fires"], "exp_alerts": [fired]},
        ],
    }


@pytest.mark.parametrize("name", ALERTS)
def test_alert_says_what_it_is_and_where_to_read_on(name: str) -> None:
    rule = ALERTS[name]
    told = rule["annotations"]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["labels"]["understudy"] == NAME
    assert re.fullmatch(r"\d+[mh]", rule["for"])
    assert told["summary"]
    assert "$value" in told["description"]
    assert told["runbook_url"] == f"docs/alerts.md#{name.lower()}"
    assert name.lower() in anchors(PAGE)


@pytest.mark.parametrize("name", ALERTS)
def test_runbook_says_what_why_and_what_to_do(name: str) -> None:
    told = sections()[name]
    for part in ("*Seen*:", "*Why*:", "*Do*:"):
        assert part in told, f"{part} of {name}"
    assert re.search(r"\]\(\w[\w-]*\.md#[\w-]+\)", told), f"a section to read on, of {name}"


def test_runbooks_are_of_alerts() -> None:
    assert sections().keys() == ALERTS.keys()


def test_every_query_parses() -> None:
    """Where there is no promtool too."""
    for name, query in rule_queries(OBJECTS).items():
        assert selectors(query), name


def test_no_word_is_left_to_replace() -> None:
    words = set(re.findall(r'replace "([A-Z][A-Z0-9_]+)"', (
        CHART / "templates/monitoring/prometheusrule.yaml").read_text("utf-8")))  # fmt: skip
    assert len(words) == 10
    for rule in RULES:
        assert not re.search(rf"\b({'|'.join(words)})\b", str(rule)), rule


def test_rules_of_a_role_that_is_off_are_left_out() -> None:
    watched = {"monitoring": {"rules": {"enabled": True}}}
    minimal = rule_queries(rendered(over(values_of("minimal"), watched)))
    assert "UnderstudyArchiveBehind" not in minimal
    assert "UnderstudyHintsHarm" not in minimal
    assert "UnderstudyGatewaysGone" in minimal
    behind = rule_queries(rendered(over(values_of("refreshers"), watched)))
    assert "UnderstudyDemandWaits" in behind
    assert not {"UnderstudyGatewaysGone", "UnderstudyShedding"} & behind.keys()


def test_runbooks_are_where_the_values_say() -> None:
    asked = {"monitoring": {"rules": {"docsUrl": "https://docs.example.com/ads"}}}
    rules = rules_of(rendered(over(values_of("prod"), asked)))
    for rule in rules:
        if "alert" in rule:
            told = rule["annotations"]["runbook_url"]
            assert told == f"https://docs.example.com/ads/alerts.md#{rule['alert'].lower()}"
