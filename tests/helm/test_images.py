"""What images install exists, holds what their commands need, and no torch where they serve."""

import json
import re
import sys
import tomllib
from typing import Final

import pytest
from packaging.requirements import Requirement

from tests.helm.charts import CHART, MODES, Object, Objects, objects_of, read_values, text_of
from tests.helm.containerfile import ROOT, extras_of, stages, targets
from understudy import COMMANDS, FOLDERS

EXTRAS: Final[dict[str, list[str]]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))[
    "project"
]["optional-dependencies"]
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
    drawing = set() if target == "loadtest" else {"matplotlib", "scikit-learn"}
    assert not packages(target) & ({"torch", "ray"} | drawing)
    # Both packages install one module.
    assert not packages(target) >= {"onnxruntime", "onnxruntime-gpu"}


@pytest.mark.parametrize("target", [each for each in targets() if each.endswith("-gpu")])
def test_an_image_with_a_gpu_is_the_other_one_with_a_gpu(target: str) -> None:
    plain = packages(target.removesuffix("-gpu"))
    assert packages(target) == plain - {"onnxruntime"} | {"onnxruntime-gpu"}


@pytest.mark.parametrize("target", targets())
def test_an_image_holds_what_its_command_needs(target: str) -> None:
    [command, *_] = json.loads(stages()[target].all("CMD")[0])
    assert COMMANDS[command].extra in _held(target)


def _held(target: str) -> set[str]:
    """`gpu` is `serve` by another build of ONNX Runtime."""
    return closed(extras_of(target)) | ({"serve", "refresh"} if target.endswith("-gpu") else set())


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
    installs = re.findall(r"^RUN pip .*", text, re.MULTILINE)
    assert len(installs) == len(targets()) + 1  # one takes pip itself away
    for line in installs[:-1]:
        assert line.startswith("RUN pip --python /venv install -c constraints.txt -e ")


@pytest.mark.parametrize("mode", MODES)
def test_the_chart_asks_for_images_that_are_built(mode: str) -> None:
    objects: Objects = objects_of(mode)
    for _, pod in objects.pods():
        for each in pod["containers"]:
            name = each["image"].rpartition("/")[2].partition(":")[0]
            assert name in REPOSITORIES.keys() | {"valkey", "tritonserver"}


@pytest.mark.parametrize("mode", MODES)
def test_images_of_the_chart_hold_the_commands_that_it_runs(mode: str) -> None:
    ran = 0
    for name, pod in objects_of(mode).pods():
        for each in pod["containers"]:
            target = REPOSITORIES.get(each["image"].rpartition("/")[2].partition(":")[0])
            command = _command(each)
            if target is not None and command is not None:
                ran += 1
                assert COMMANDS[command].extra in _held(target), (name, target, command)
    assert ran


def _command(container: Object) -> str | None:
    """Of ours; None for what is Python alone, or another's."""
    words = [*container.get("command", ["understudy"]), *container.get("args", [])]
    if "understudy" not in words:
        return None
    command: str = words[words.index("understudy") + 1]
    assert command in COMMANDS
    return command


def test_what_helm_test_runs_needs_python_alone() -> None:
    for path in (CHART / "files/tests").iterdir():
        imported = re.findall(r"^(?:import|from) (\w+)", path.read_text("utf-8"), re.MULTILINE)
        assert set(imported) <= sys.stdlib_module_names


def test_what_is_run_within_a_gateway_is_in_its_image() -> None:
    page = (ROOT / "docs/kubernetes.md").read_text("utf-8")
    notes = "".join(text_of(mode)["NOTES.txt"] for mode in MODES)
    named = set(re.findall(r"-- understudy (\w+)", page + notes))
    assert named >= {"cache", "rollout"}
    assert {COMMANDS[each].extra for each in named} <= _held("gateway")
