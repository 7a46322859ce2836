"""What a model at Triton answers, and what is made of each of Triton's faults."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from safetensors.numpy import load_file

from models.features.records import Arrays
from models.manifest import GOLDEN, BundleError, GoldenMismatch
from models.runtime import load
from models.triton.errors import (
    TritonAnswerInvalid,
    TritonMismatch,
    TritonRefused,
    TritonTimeout,
    TritonUnavailable,
)
from models.triton.model import TritonModel
from models.triton.opening import open_model
from tests.bundles import linear_student, linear_teacher
from tests.models.triton.fake_triton import FakeTriton, fake_triton

NOWHERE = "triton://127.0.0.1:9"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return linear_teacher(tmp_path_factory.mktemp("bundles"))


@pytest.fixture
def served(bundle: Path) -> Iterator[tuple[FakeTriton, int]]:
    with fake_triton(bundle) as served:
        yield served


@pytest.fixture
def triton(served: tuple[FakeTriton, int]) -> FakeTriton:
    return served[0]


@pytest.fixture
def model(bundle: Path, served: tuple[FakeTriton, int]) -> Iterator[TritonModel]:
    model = open_model(bundle, f"triton://127.0.0.1:{served[1]}", timeout_s=5.0)
    yield model
    model.close()


def golden_inputs(model: TritonModel) -> Arrays:
    golden = load_file(model.bundle.folder / GOLDEN)
    return {spec.name: golden[f"input.{spec.name}"] for spec in model.manifest.inputs}


def test_answers_are_those_of_the_bundle_in_process(
    bundle: Path, triton: FakeTriton, model: TritonModel
) -> None:
    model.prove()
    inputs = golden_inputs(model)
    there, here = model.run(inputs), load(bundle).run(inputs)
    np.testing.assert_array_equal(there.logit, here.logit)
    assert there.z is not None
    assert here.z is not None
    np.testing.assert_array_equal(there.z, here.z)


def test_model_is_named_as_the_bundle_when_the_url_names_none(
    bundle: Path, model: TritonModel
) -> None:
    assert model.address.model == bundle.name
    assert open_model(bundle, f"{NOWHERE}/other/3", 1.0).address[2:4] == ("other", "3")


@pytest.mark.parametrize("output", ["logit", "z"])
def test_wrong_shape_is_refused(triton: FakeTriton, model: TritonModel, output: str) -> None:
    triton.distort = lambda outputs: outputs | {output: outputs[output][:-1]}
    with pytest.raises(TritonAnswerInvalid, match=rf"{output} as FP32.*manifest says"):
        model.run(golden_inputs(model))


def test_wrong_dtype_is_refused(triton: FakeTriton, model: TritonModel) -> None:
    triton.distort = lambda outputs: outputs | {"z": outputs["z"].astype(np.int64)}
    with pytest.raises(TritonAnswerInvalid, match="z as INT64"):
        model.run(golden_inputs(model))


def test_missing_output_is_refused(triton: FakeTriton, model: TritonModel) -> None:
    triton.distort = lambda outputs: {"logit": outputs["logit"]}
    with pytest.raises(TritonAnswerInvalid, match="left out z"):
        model.run(golden_inputs(model))


@pytest.mark.parametrize("value", [np.nan, 0.1])
def test_other_golden_answer_is_no_proof(
    triton: FakeTriton, model: TritonModel, value: float
) -> None:
    triton.distort = lambda outputs: outputs | {"z": outputs["z"] + np.float32(value)}
    with pytest.raises(GoldenMismatch, match="z of Triton"):
        model.prove()


def test_other_inputs_are_told_by_name(triton: FakeTriton, model: TritonModel) -> None:
    first, *others = triton.inputs
    triton.inputs = (first.model_copy(update={"shape": ("R", 9)}), *others)
    with pytest.raises(TritonMismatch, match=rf"{first.name}: INT64\[-1, 9\] there.* here"):
        model.prove()


def test_late_answer_is_not_waited_for(triton: FakeTriton, model: TritonModel) -> None:
    released = threading.Event()
    triton.before = lambda: released.wait(10.0)
    began_s = time.monotonic()
    with pytest.raises(TritonTimeout):
        model.run(golden_inputs(model), timeout_s=0.1)
    assert time.monotonic() - began_s < 2.0
    released.set()
    assert len(model.run(golden_inputs(model)).logit)


def test_run_without_any_time_is_late_at_once(triton: FakeTriton, model: TritonModel) -> None:
    with pytest.raises(TritonTimeout, match="no time"):
        model.run(golden_inputs(model), timeout_s=0.0)
    assert triton.runs == 0


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (grpc.StatusCode.UNAVAILABLE, TritonUnavailable),
        (grpc.StatusCode.NOT_FOUND, TritonUnavailable),
        (grpc.StatusCode.INVALID_ARGUMENT, TritonRefused),
        (grpc.StatusCode.INTERNAL, TritonRefused),
    ],
)
def test_error_of_triton_has_its_kind(
    triton: FakeTriton, model: TritonModel, status: grpc.StatusCode, error: type[Exception]
) -> None:
    triton.refusal = status
    with pytest.raises(error, match="as told"):
        model.run(golden_inputs(model))
    triton.refusal = None
    assert len(model.run(golden_inputs(model)).logit)


@pytest.mark.parametrize("scheme", ["triton", "triton+http"])
def test_nobody_there_is_unavailable(bundle: Path, scheme: str) -> None:
    model = open_model(bundle, f"{scheme}://127.0.0.1:9", timeout_s=5.0)
    with pytest.raises(TritonUnavailable):
        model.prove()
    with pytest.raises(TritonUnavailable):
        model.run(golden_inputs(model))


def test_server_started_again_is_reached_by_the_next_run(tmp_path: Path) -> None:
    bundle = linear_student(tmp_path)
    with fake_triton(bundle) as (_, port):
        model = open_model(bundle, f"triton://127.0.0.1:{port}", timeout_s=5.0)
        model.run(golden_inputs(model))
    with pytest.raises(TritonUnavailable):
        model.run(golden_inputs(model))
    with fake_triton(bundle, port):
        assert model.run(golden_inputs(model)).z is None
    model.close()


def test_folder_is_verified_before_triton_is_asked(tmp_path: Path) -> None:
    bundle = linear_student(tmp_path)
    (bundle / GOLDEN).write_bytes(b"")
    with pytest.raises(BundleError):
        open_model(bundle, NOWHERE, 1.0)


def test_headers_of_a_run_arrive_as_metadata(triton: FakeTriton, model: TritonModel) -> None:
    model.run(golden_inputs(model), headers={"traceparent": "00-1-2-01"})
    assert triton.metadata["traceparent"] == "00-1-2-01"
    model.run(golden_inputs(model))
    assert "traceparent" not in triton.metadata
