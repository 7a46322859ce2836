"""What images install exists, holds what their commands need, and no torch where they serve."""

import json
import re
import tomllib
from typing import Any, Final

import pytest
import yaml
from packaging.requirements import Requirement

from server.settings import PREFIX, Settings
from tests.helm.charts import Objects, objects_of, read_values
from tests.helm.containerfile import ROOT, extras_of, stages, targets
from understudy import COMMANDS, FOLDERS

EXTRAS: Final[dict[str, list[str]]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))[
    "project"
]["optional-dependencies"]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
REPOSITORIES: Final = {f"understudy-{target}": target for target in targets()}


def closed(extras: set[str]) -> set[str]:
    """With the extras that those extras take in."""
    found, waiting = set[str](), list(extras)
    while waiting:
        name = waiting.pop()
        found.add(name)
        for needed in map(Requirement, EXTRAS[name]):
            if needed.name == "understudy":
                waiting += [extra for extra in needed.extras if extra not in found]
    return found


def packages(target: str) -> set[str]:
    needed = [Requirement(each).name for name in closed(extras_of(target)) for each in EXTRAS[name]]
    return set(needed) - {"understudy"}


@pytest.mark.parametrize("target", targets())
def test_an_image_installs_extras_that_exist(target: str) -> None:
    assert extras_of(target) <= EXTRAS.keys()
    assert packages(target)


@pytest.mark.parametrize("target", [each for each in targets() if each != "trainer"])
def test_what_serves_has_no_torch(target: str) -> None:
    assert not packages(target) & {"torch", "ray", "matplotlib", "scikit-learn"}
    # Both packages install one module.
    assert not packages(target) >= {"onnxruntime", "onnxruntime-gpu"}


@pytest.mark.parametrize("target", [each for each in targets() if each.endswith("-gpu")])
def test_an_image_with_a_gpu_is_the_other_one_with_a_gpu(target: str) -> None:
    plain = packages(target.removesuffix("-gpu"))
    assert packages(target) == plain - {"onnxruntime"} | {"onnxruntime-gpu"}


@pytest.mark.parametrize("target", targets())
def test_an_image_holds_what_its_command_needs(target: str) -> None:
    [command, *_] = json.loads(stages()[target].all("CMD")[0])
    wanted = {"serve-gpu": "gpu"}.get(command, COMMANDS[command].extra)
    held = closed(extras_of(target)) | ({"serve", "refresh"} if target.endswith("-gpu") else set())
    assert wanted in held


def test_images_run_as_nobody_and_copy_what_was_built() -> None:
    told = stages()
    [user] = told["runtime"].all("USER")
    assert user == "10001:10001"
    assert read_values("values.yaml")["podSecurityContext"]["runAsUser"] == 10001
    for target in targets():
        sources = set(re.findall(r"--from=(\S+)", "\n".join(told[target].all("COPY"))))
        assert sources == {f"with-{target}"}
        assert told[target].all("USER") == []


def test_every_source_folder_is_copied_and_let_through() -> None:
    copied = {line.split()[0] for line in stages()["source"].all("COPY")}
    assert set(FOLDERS) <= copied
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for name in [word for line in stages()["source"].all("COPY") for word in line.split()[:-1]]:
        assert f"!{name}" in ignored
        assert (ROOT / name).exists()


def test_base_images_are_pinned() -> None:
    text = (ROOT / "Containerfile").read_text("utf-8")
    assert re.search(r"^ARG PYTHON_IMAGE=\S+:3\.11\.\d+-slim-\w+$", text, re.MULTILINE)
    assert {stage.base for stage in stages().values()} <= {"${PYTHON_IMAGE}", "source", "runtime"}
    assert "-c constraints.txt" in text


@pytest.mark.parametrize("mode", ["prod", "gpu", "cluster"])
def test_the_chart_asks_for_images_that_are_built(mode: str) -> None:
    objects: Objects = objects_of(mode)
    for _, pod in objects.pods():
        for each in pod["containers"]:
            name = each["image"].rpartition("/")[2].partition(":")[0]
            assert name in REPOSITORIES.keys() | {"valkey", "tritonserver"}


@pytest.mark.parametrize("mode", ["prod", "gpu", "cluster"])
def test_images_of_the_chart_hold_the_commands_that_it_runs(mode: str) -> None:
    for each in objects_of(mode).of("Deployment").values():
        for one in each["spec"]["template"]["spec"]["containers"]:
            target = REPOSITORIES.get(one["image"].rpartition("/")[2].partition(":")[0])
            command = (one.get("args") or [""])[0]
            if target is not None and command in COMMANDS and not target.endswith("-gpu"):
                assert COMMANDS[command].extra in closed(extras_of(target)), (target, command)


def test_compose_runs_commands_and_settings_that_exist() -> None:
    services = COMPOSE["services"]
    assert services.keys() == {"valkey", "gateway", "refresher", "ingest"}
    for name, service in services.items():
        if name != "valkey":
            assert service["command"][0] in COMMANDS
            for setting in service["environment"]:
                assert setting.removeprefix(PREFIX).lower() in Settings.model_fields
        if "build" in service:
            assert service["build"]["target"] in targets()
            assert service["image"].partition(":")[0] in REPOSITORIES


def test_compose_is_as_confined_as_the_chart() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"].split(":")[0] != "0", name
    ports = {name: each["ports"] for name, each in COMPOSE["services"].items() if "ports" in each}
    assert ports == {"gateway": ["127.0.0.1:8080:8080"]}


def test_compose_and_chart_agree_on_the_server() -> None:
    assert COMPOSE["services"]["valkey"]["image"] == read_values("values.yaml")["valkey"]["image"]
