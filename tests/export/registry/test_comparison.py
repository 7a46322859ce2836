"""What differs between two bundles is said, and what is alike is alike."""

import json
from pathlib import Path
from typing import Any

import onnx

from export.registry.comparison import Row, compare
from models.manifest import MANIFEST, MODEL, Bundle, read_manifest
from tests.bundles import linear_student


def _rows(a: Path, b: Path) -> dict[tuple[str, str], Row]:
    described = [Bundle(folder, *read_manifest(folder)) for folder in (a, b)]
    return {(row.group, row.field): row for row in compare(*described)}


def _changed(folder: Path, **fields: Any) -> Path:
    """The bundle with other words in its manifest; its version is not corrected."""
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return folder


def test_bundle_is_alike_itself_in_every_field(student: Path) -> None:
    rows = _rows(student, student)
    assert all(row.is_alike for row in rows.values())
    groups = list(dict.fromkeys(group for group, _ in rows))
    assert groups == ["bundle", "space", "schema", "calibration", "parity", "costs", "bytes"]


def test_schema_and_space_that_only_one_has_stand_beside_nothing(
    student: Path, tmp_path: Path
) -> None:
    rows = _rows(student, linear_student(tmp_path, teacher_dim=0, history_length=6))
    assert rows["schema", "history length"][2:] == (4, 6)
    assert rows["schema", "teacher dim"][2:] == (8, 0)
    assert rows["schema", "input teacher_z"][2:] == ("float32 [N, 8]", None)
    assert rows["schema", "user.segment"].is_alike
    assert rows["space", "reads"].b is None


def test_quality_at_each_coverage_stands_side_by_side(student: Path, tmp_path: Path) -> None:
    said = {"click/student_at_60": {"auc": 0.75}}
    better = {"click/student_at_60": {"auc": 0.77}, "click/student_at_80": {"auc": 0.78}}
    a = _changed(linear_student(tmp_path / "a"), metrics=said)
    b = _changed(linear_student(tmp_path / "b"), metrics=better)
    rows = _rows(a, b)
    assert rows["quality", "click/student_at_60 auc"][2:] == (0.75, 0.77)
    assert rows["quality", "click/student_at_80 auc"][2:] == (None, 0.78)


def test_calibration_parity_and_tasks_are_compared(student: Path, tmp_path: Path) -> None:
    calibration = {task: {"scale": 1.5, "offset": -0.2} for task in ("click", "conversion")}
    parity = {"max_abs_error": {"1": 1e-6, "200": 2e-6}, "tolerance": 1e-5}
    b = _changed(linear_student(tmp_path), calibration=calibration, parity=parity)
    rows = _rows(student, b)
    assert rows["calibration", "click scale"][2:] == (1.1, 1.5)
    assert rows["calibration", "click offset"].is_alike
    assert rows["parity", "N = 200"][2:] == (None, 2e-6)
    assert rows["bundle", "tasks"].a == "click, conversion"


def test_costs_are_the_graphs_own(student: Path) -> None:
    graph = onnx.load(student / MODEL).graph
    weights = sum(onnx.numpy_helper.to_array(each).size for each in graph.initializer)
    rows = _rows(student, student)
    assert rows["costs", "weights"].a == weights > 0
    assert rows["costs", "nodes"].a == len(graph.node)
    assert rows["bytes", MODEL].a == (student / MODEL).stat().st_size
