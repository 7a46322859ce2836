"""From a trained run to bundles: parity, the same bytes twice, nothing that only training needs."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from export.errors import ParityFailed, RunInvalid
from export.export_command import export
from export.model_bundle import Source, write_model
from export.parity import measure
from export.samples import arrays_of
from export.to_onnx import graph_of, to_onnx
from models.checkpoint import load_student
from models.data.causal import Replay
from models.data.log import Log
from models.examples import Examples
from models.manifest import MODEL, Calibration, read_manifest
from models.runtime import load
from tests.export.small_serving import REQUESTS, small_serving


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_serving(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def run(serving: Path) -> Path:
    return serving.parent / "run"


@pytest.fixture(scope="module")
def examples(run: Path) -> Examples:
    replay = Replay.of(Log.read(run.parent / "log"))
    return Examples.of(replay, load_student(run, "student")[1].features)


def test_serving_folder_holds_bundles_that_load(serving: Path) -> None:
    named = json.loads((serving / "serving.json").read_text())
    assert set(named) == {"student", "teacher", "alone"}
    models = {name: load(serving / folder) for name, folder in named.items()}
    assert models["student"].manifest.reads_space == models["teacher"].manifest.produces_space
    assert models["alone"].manifest.reads_space is None
    assert (serving / "catalogue.safetensors").exists()
    assert len((serving / "replay.jsonl").read_text().splitlines()) == REQUESTS


def test_every_bundle_is_in_the_triton_repository_that_was_asked_for(serving: Path) -> None:
    folders = set(json.loads((serving / "serving.json").read_text()).values())
    assert {path.name for path in (serving.parent / "models").iterdir()} == folders


def test_parity_is_in_the_manifest_at_one_typical_and_largest(serving: Path) -> None:
    for folder in json.loads((serving / "serving.json").read_text()).values():
        parity = read_manifest(serving / folder)[0].parity
        assert set(parity.max_abs_error) == {1, 200, 1000}
        assert max(parity.max_abs_error.values()) <= parity.tolerance


def test_two_exports_are_the_same_bytes(run: Path, serving: Path, tmp_path: Path) -> None:
    export(run, tmp_path, requests=REQUESTS)
    for path in sorted(serving.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / path.relative_to(serving)).read_bytes(), path


def test_graph_holds_nothing_that_only_training_needs(serving: Path) -> None:
    folder = json.loads((serving / "serving.json").read_text())["student"]
    graph = onnx.load(serving / folder / MODEL).graph
    assert [output.name for output in graph.output] == ["logit"]
    text = str([node.name for node in graph.node] + [tensor.name for tensor in graph.initializer])
    assert "position" not in text
    assert "decode" not in text


def test_graph_names_no_source_file(serving: Path) -> None:
    for folder in json.loads((serving / "serving.json").read_text()).values():
        assert b".py" not in (serving / folder / MODEL).read_bytes()


def test_a_graph_that_disagrees_with_torch_is_not_written(
    run: Path, examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    student, config = load_student(run, "student")
    graph = graph_of(student, config.features)
    model_bytes = to_onnx(graph, arrays_of(examples, 2, 20))
    student.head.bias.data += 0.01
    with pytest.raises(ParityFailed, match="row"):
        measure(graph, model_bytes, {5: arrays_of(examples, 1, 5)})
    monkeypatch.setattr("export.model_bundle.to_onnx", lambda *_: model_bytes)
    source = Source(
        name="student",
        model=student,
        examples=examples,
        space="0" * 16,
        calibration={task: Calibration(scale=1, offset=0) for task in config.features.log.tasks},
        trained_on=examples.replay.log.periods.student,
        metrics={},
    )
    with pytest.raises(ParityFailed):
        write_model(tmp_path, source, [])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("requests", [1, 3])
def test_any_number_of_requests_and_candidates_runs(
    run: Path, serving: Path, examples: Examples, requests: int
) -> None:
    student, config = load_student(run, "student")
    folder = json.loads((serving / "serving.json").read_text())["student"]
    model, graph = load(serving / folder), graph_of(student, config.features)
    for rows in (1, 7, 333):
        arrays = arrays_of(examples, requests, rows, seed=rows)
        parity = measure(graph, (serving / folder / MODEL).read_bytes(), {rows: arrays})
        assert parity.max_abs_error[rows] <= parity.tolerance
        assert np.isfinite(model.run(arrays).logit).all()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunInvalid, match="understudy train"):
        export(tmp_path, tmp_path / "serving")
