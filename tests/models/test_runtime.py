"""A bundle is refused, each way by its own error, before it can answer anything."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import external_data_helper, helper
from safetensors.numpy import load_file, save_file

from models.manifest import (
    GOLDEN,
    MANIFEST,
    MODEL,
    BundleError,
    FileMissing,
    FileTampered,
    FileUnexpected,
    GoldenMismatch,
    GraphRefused,
    ManifestInvalid,
    PathEscapes,
    read_manifest,
)
from models.runtime import load
from tests.bundles import linear_student


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return linear_student(tmp_path / "bundles")


def rewrite(bundle: Path, change: Callable[[dict[str, Any]], None]) -> None:
    fields = json.loads((bundle / MANIFEST).read_text())
    change(fields)
    (bundle / MANIFEST).write_text(json.dumps(fields))


def reseal(bundle: Path, name: str) -> None:
    """What an attacker with write access would do: make the manifest agree."""
    data = (bundle / name).read_bytes()
    entry = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
    rewrite(bundle, lambda fields: fields["files"].update({name: entry}))


def change_byte(bundle: Path) -> None:
    data = bytearray((bundle / MODEL).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / MODEL).write_bytes(bytes(data))


def truncate(bundle: Path) -> None:
    (bundle / MODEL).write_bytes((bundle / MODEL).read_bytes()[:-1])


def remove_golden(bundle: Path) -> None:
    (bundle / GOLDEN).unlink()


def add_file(bundle: Path) -> None:
    (bundle / "extra.bin").write_bytes(b"x")


def climb_out(bundle: Path) -> None:
    entry = {"sha256": "0" * 64, "size_bytes": 1}
    rewrite(bundle, lambda fields: fields["files"].update({"../outside": entry}))


def link_out(bundle: Path) -> None:
    outside = bundle.parent / "outside.onnx"
    shutil.move(bundle / MODEL, outside)
    (bundle / MODEL).symlink_to(outside)


def break_manifest(bundle: Path) -> None:
    (bundle / MANIFEST).write_text("{")


def future_format(bundle: Path) -> None:
    rewrite(bundle, lambda fields: fields.update(format_version=2))


def unknown_field(bundle: Path) -> None:
    rewrite(bundle, lambda fields: fields.update(pickle="gASVAA=="))


def wrong_golden(bundle: Path) -> None:
    golden = load_file(bundle / GOLDEN)
    golden["output.logit"] = golden["output.logit"] + np.float32(0.5)
    save_file(golden, bundle / GOLDEN)
    reseal(bundle, GOLDEN)


def garbage_graph(bundle: Path) -> None:
    (bundle / MODEL).write_bytes(b"not a graph")
    reseal(bundle, MODEL)


def external_data(bundle: Path) -> None:
    """Weights that lie outside the folder."""
    graph = onnx.load(bundle / MODEL)
    weight = max(graph.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    (bundle.parent / "weights.bin").write_bytes(weight.raw_data)
    external_data_helper.set_external_data(weight, location="../weights.bin")
    weight.ClearField("raw_data")
    (bundle / MODEL).write_bytes(graph.SerializeToString())
    reseal(bundle, MODEL)


def unknown_operator(bundle: Path) -> None:
    graph = onnx.load(bundle / MODEL)
    graph.graph.node.append(
        helper.make_node("Exfiltrate", ["logit"], ["elsewhere"], domain="ops.example")
    )
    graph.opset_import.append(helper.make_opsetid("ops.example", 1))
    (bundle / MODEL).write_bytes(graph.SerializeToString())
    reseal(bundle, MODEL)


def other_inputs(bundle: Path) -> None:
    def rename(fields: dict[str, Any]) -> None:
        fields["inputs"][0]["name"] = "something_else"

    rewrite(bundle, rename)


@pytest.mark.parametrize(
    ("tamper", "error"),
    [
        (change_byte, FileTampered),
        (truncate, FileTampered),
        (remove_golden, FileMissing),
        (add_file, FileUnexpected),
        (climb_out, PathEscapes),
        (link_out, PathEscapes),
        (break_manifest, ManifestInvalid),
        (future_format, ManifestInvalid),
        (unknown_field, ManifestInvalid),
        (wrong_golden, GoldenMismatch),
        (garbage_graph, GraphRefused),
        (external_data, GraphRefused),
        (unknown_operator, GraphRefused),
        (other_inputs, GraphRefused),
    ],
)
def test_tampered_bundle_is_refused_by_name(
    bundle: Path, tamper: Callable[[Path], None], error: type[BundleError]
) -> None:
    tamper(bundle)
    with pytest.raises(error) as refused:
        load(bundle)
    assert type(refused.value) is error
    assert str(bundle) in str(refused.value) or "outside" in str(refused.value)


def test_untouched_bundle_loads_and_is_named_by_its_content(bundle: Path) -> None:
    model = load(bundle)
    assert bundle.name == f"{model.manifest.name}-{model.version}"
    assert read_manifest(bundle)[1] == model.version


def test_missing_folder_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid, match="nowhere"):
        load(tmp_path / "nowhere")


def test_probabilities_follow_the_calibration(bundle: Path) -> None:
    model = load(bundle)
    logit = np.linspace(-4, 4, 10, dtype=np.float32).reshape(5, 2)
    exact = logit.astype(np.float64)
    for task, name in enumerate(model.manifest.tasks):
        fitted = model.manifest.calibration[name]
        expected = 1 / (1 + np.exp(-(exact[:, task] * fitted.scale + fitted.offset)))
        np.testing.assert_allclose(model.probabilities(logit, task), expected)
