"""compose.yaml: what the specification takes, and as confined as the chart."""

import json
from copy import deepcopy
from typing import Any, Final

import compose_spec
import pytest

from server.settings import PREFIX, Settings
from tests.helm.charts import read_values
from tests.helm.composed import OURS, SERVICES, compose
from tests.helm.containerfile import ROOT, targets
from understudy import COMMANDS


def test_the_specification_takes_it() -> None:
    told = compose_spec.PyCompose.from_json(json.dumps(compose()))
    told.validate()
    assert told.to_spec().name == "understudy"
    assert set(told.service_names()) == SERVICES.keys()
    kept = {each.partition(":")[0] for each in SERVICES["valkey"]["volumes"]}
    assert kept == set(compose()["volumes"])


WRONG: Final = [
    ("gateway", {"imagee": "understudy-gateway"}),
    ("gateway", {"ports": ["127.0.0.1:8080:eighty"]}),
    ("gateway", {"stop_grace_period": "soon"}),
    ("valkey", {"healthcheck": {"test": ["CMD", "true"], "interval": "often"}}),
]


@pytest.mark.parametrize(("service", "wrong"), WRONG, ids=str)
def test_what_is_wrong_would_be_found(service: str, wrong: dict[str, Any]) -> None:
    told = deepcopy(compose())
    told["services"][service].update(wrong)
    with pytest.raises(ValueError, match=r".+"):
        compose_spec.PyCompose.from_json(json.dumps(told)).validate()


def test_it_runs_commands_and_settings_that_exist() -> None:
    assert set(OURS) == {"gateway", "refresher", "ingest"}
    for name in OURS:
        assert SERVICES[name]["command"][0] in COMMANDS
        for setting in SERVICES[name]["environment"]:
            assert setting.removeprefix(PREFIX).lower() in Settings.model_fields


def test_every_image_of_ours_is_built_here() -> None:
    """One without a build is looked for in a registry before the others are built."""
    for name in OURS:
        built = SERVICES[name]["build"]
        assert built["target"] in targets()
        assert SERVICES[name]["image"].partition(":")[0] == f"understudy-{built['target']}"


def test_it_is_as_confined_as_the_chart() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"].split(":")[0] != "0", name
    ports = {name: each["ports"] for name, each in SERVICES.items() if "ports" in each}
    assert ports == {"gateway": ["127.0.0.1:8080:8080"]}


def test_compose_and_chart_agree_on_the_server() -> None:
    assert SERVICES["valkey"]["image"] == read_values("values.yaml")["valkey"]["image"]


def test_the_folder_that_it_serves_is_that_of_the_demo() -> None:
    text = (ROOT / "compose.yaml").read_text("utf-8")
    assert "SERVING=build/demo/serving podman compose up" in text
    mounts = SERVICES["gateway"]["volumes"]
    assert mounts == ["./build/demo/serving:/serving:ro"]
