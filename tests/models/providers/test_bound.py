"""Padding into buffers, and one request after another, change no score: shown on the CPU."""

import os
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export.to_onnx import graph_of, to_onnx
from models.features.records import Arrays
from models.providers.apart import requests_apart
from models.providers.bound import BoundSession, Session
from models.providers.buckets import axis_sizes, shape_in
from models.providers.errors import ShapeRefused
from models.providers.padding import ALIGNMENT, PaddedInputs
from models.providers.sessions import input_shapes, session_options
from models.providers.tensorrt import EngineSessions, forgo_tf32, provider_options
from models.schema import TensorSpec
from models.student import Student, StudentConfig
from models.students.families import FAMILIES
from tests.models.random_inputs import random_arrays, schema_of

FEATURES = schema_of(history_length=6, teacher_dim=8, reads_sequence=True)
SPECS = FEATURES.inputs()
OUTPUTS = (TensorSpec(name="logit", dtype="float32", shape=("N", 2)),)
BUCKETS = (4, 16, 50)
quick = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module", params=[*FAMILIES])
def graph(request: pytest.FixtureRequest) -> bytes:
    """A student of each family; their readers treat a group of candidates differently."""
    torch.manual_seed(0)
    reader = FAMILIES[request.param]
    student = Student(StudentConfig(features=FEATURES, reader=reader))
    return to_onnx(graph_of(student, FEATURES), random_arrays(FEATURES, 4, 64))


@pytest.fixture(scope="module")
def session(graph: bytes) -> ort.InferenceSession:
    return ort.InferenceSession(graph, providers=["CPUExecutionProvider"])


def of_one_shape(graph: bytes, bucket: int) -> ort.InferenceSession:
    held = input_shapes(ort.InferenceSession(graph, providers=["CPUExecutionProvider"]))
    options = session_options(1, axis_sizes(held, SPECS, bucket))
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def bound(session: ort.InferenceSession) -> BoundSession:
    return BoundSession(session, SPECS, OUTPUTS, BUCKETS, device="cpu")


@pytest.fixture(scope="module")
def engines(graph: bytes) -> EngineSessions:
    by_bucket: dict[int, Session] = {
        bucket: BoundSession(
            of_one_shape(graph, bucket), SPECS, OUTPUTS, [bucket], device="cpu", has_graphs=True
        )
        for bucket in BUCKETS
    }
    return EngineSessions(by_bucket, SPECS)


def test_graph_of_one_shape_takes_no_other(graph: bytes) -> None:
    session = of_one_shape(graph, 16)
    assert {name: tuple(shape) for name, shape in input_shapes(session).items()} == {
        spec.name: shape_in(spec, 16) for spec in SPECS
    }
    with pytest.raises(ort.capi.onnxruntime_pybind11_state.InvalidArgument, match="dimensions"):
        session.run(None, random_arrays(FEATURES, 1, 17))


@quick
@given(candidates=st.integers(1, 60), seed=st.integers(0, 99))
def test_padded_request_has_the_scores_of_the_unpadded(
    session: ort.InferenceSession, bound: BoundSession, candidates: int, seed: int
) -> None:
    arrays = random_arrays(FEATURES, 1, candidates, seed)
    [expected], [got] = session.run(None, arrays), bound.run(None, arrays)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


@quick
@given(requests=st.integers(1, 6), candidates=st.integers(1, 50), seed=st.integers(0, 99))
def test_requests_apart_have_the_scores_of_the_batch(
    session: ort.InferenceSession,
    engines: EngineSessions,
    requests: int,
    candidates: int,
    seed: int,
) -> None:
    arrays = random_arrays(FEATURES, requests, candidates, seed)
    [expected], [got] = session.run(None, arrays), engines.run(None, arrays)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


def test_batch_of_several_requests_runs_in_its_own_shape(
    session: ort.InferenceSession, bound: BoundSession
) -> None:
    arrays = random_arrays(FEATURES, 3, 20)
    np.testing.assert_array_equal(bound.run(None, arrays)[0], session.run(None, arrays)[0])


def test_answer_is_not_overwritten_by_the_next_run(bound: BoundSession) -> None:
    [first] = bound.run(None, random_arrays(FEATURES, 1, 16, seed=1))
    kept = first.copy()
    bound.run(None, random_arrays(FEATURES, 1, 16, seed=2))
    np.testing.assert_array_equal(first, kept)


def test_more_candidates_than_any_engine_takes_are_refused(engines: EngineSessions) -> None:
    with pytest.raises(ShapeRefused, match=r"51 candidates.*takes 50"):
        engines.run(None, random_arrays(FEATURES, 1, 51))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_nothing_of_an_earlier_request_stays_in_the_padding(sizes: list[int]) -> None:
    padded = PaddedInputs(SPECS, 50)
    for seed, size in enumerate(sizes):
        arrays = padded.write(random_arrays(FEATURES, 1, size, seed))
    fresh = PaddedInputs(SPECS, 50).write(random_arrays(FEATURES, 1, sizes[-1], len(sizes) - 1))
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, fresh[name])


def test_all_padded_inputs_lie_in_one_piece_of_memory_aligned_as_a_device_wants_them() -> None:
    padded = PaddedInputs(SPECS, 50)
    arrays = padded.write(random_arrays(FEATURES, 1, 37))
    taken = np.zeros(len(padded.memory), bool)
    for name, array in arrays.items():
        start, size = padded.starts[name], array.nbytes
        assert start % ALIGNMENT == 0
        assert padded.memory[start : start + size].tobytes() == array.tobytes()
        assert not taken[start : start + size].any()
        taken[start : start + size] = True


@given(requests=st.integers(1, 6), candidates=st.integers(1, 30), seed=st.integers(0, 99))
def test_requests_apart_are_the_batch_and_nothing_twice(
    requests: int, candidates: int, seed: int
) -> None:
    arrays = random_arrays(FEATURES, requests, candidates, seed)
    parts = list(requests_apart(arrays, SPECS))
    places = np.concatenate([part.places for part in parts])
    assert sorted(places.tolist()) == list(range(candidates))
    items: Arrays = {"item": np.concatenate([part.arrays["item_number"] for part in parts])}
    np.testing.assert_array_equal(items["item"], arrays["item_number"][places])
    assert all(len(part.arrays["user_number"]) == 1 for part in parts)


def test_engine_of_a_bucket_is_kept_in_its_folder_under_its_own_name(tmp_path: Path) -> None:
    small, large = (provider_options(size, tmp_path, has_graph=False) for size in (64, 128))
    assert small["trt_engine_cache_enable"] == "1"
    assert small["trt_engine_cache_path"] == str(tmp_path)
    assert small["trt_engine_cache_prefix"] != large["trt_engine_cache_prefix"]


def test_tf32_is_forgone_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    forgo_tf32()
    assert os.environ["NVIDIA_TF32_OVERRIDE"] == "0"
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    forgo_tf32()
    assert os.environ["NVIDIA_TF32_OVERRIDE"] == "1"
