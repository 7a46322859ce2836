"""On a GPU: granted, the CPU's scores, no engine built within a request. `make gpu` runs it.

UNDERSTUDY_GPU_BUNDLE names a bundle to take in place of a small one made here.
"""

import os
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from safetensors.numpy import load_file

from models.features.records import Arrays
from models.manifest import GOLDEN
from models.providers.execution import Execution, Provider
from models.runtime import Model, load
from server.raw_loop import requests_of
from tests.bundles import linear_student
from tests.gpu.granted import require

pytestmark = pytest.mark.gpu
SIZES = (1, 63, 64, 65, 200, 512, 1000)
TOLERANCE = 1e-4
CASES: list[tuple[Provider, bool]] = [
    ("cuda", False),
    ("cuda", True),
    ("tensorrt", False),
    ("tensorrt", True),
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get("UNDERSTUDY_GPU_BUNDLE")
    return Path(given) if given else linear_student(tmp_path_factory.mktemp("gpu"))


@pytest.fixture(scope="module")
def on_cpu(bundle: Path) -> Model:
    return load(bundle)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1] and 'graphs'}")
def execution(
    request: pytest.FixtureRequest, bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Execution:
    provider, has_graphs = request.param
    require(provider, bundle, has_graphs=has_graphs)
    engines = tmp_path_factory.mktemp("engines")
    return Execution(provider, engines=engines, has_graphs=has_graphs)


@pytest.fixture(scope="module")
def on_gpu(bundle: Path, execution: Execution) -> Model:
    return load(bundle, execution=execution)


def asked(model: Model, bundle: Path, candidates: int, requests: int = 1) -> Arrays:
    golden = load_file(bundle / GOLDEN)
    return requests_of(golden, model.manifest.inputs, candidates, requests)


def test_provider_is_the_one_asked_for(on_gpu: Model, execution: Execution) -> None:
    assert on_gpu.provider == execution.provider


@pytest.mark.parametrize("candidates", SIZES)
def test_scores_are_those_of_the_cpu(
    on_gpu: Model, on_cpu: Model, bundle: Path, candidates: int
) -> None:
    arrays = asked(on_cpu, bundle, candidates)
    for _ in range(3):  # a graph is captured by the first run and replayed by the others
        got = on_gpu.run(arrays).logit
        np.testing.assert_allclose(got, on_cpu.run(arrays).logit, rtol=0, atol=TOLERANCE)


def test_scores_of_a_batch_are_those_of_the_cpu(on_gpu: Model, on_cpu: Model, bundle: Path) -> None:
    arrays = asked(on_cpu, bundle, 40, requests=5)
    got = on_gpu.run(arrays).logit
    np.testing.assert_allclose(got, on_cpu.run(arrays).logit, rtol=0, atol=TOLERANCE)


def test_threads_that_run_at_once_get_their_own_answers(
    on_gpu: Model, on_cpu: Model, bundle: Path
) -> None:
    asked_of = {size: asked(on_cpu, bundle, size) for size in SIZES}
    found: dict[int, list[np.ndarray]] = {size: [] for size in SIZES}

    def ask(size: int) -> None:
        found[size] = [on_gpu.run(asked_of[size]).logit for _ in range(20)]

    threads = [Thread(target=ask, args=(size,)) for size in SIZES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for size, answers in found.items():
        expected = on_cpu.run(asked_of[size]).logit
        assert len(answers) == 20
        for got in answers:
            np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE)


def test_no_engine_is_built_within_a_request(
    on_gpu: Model, on_cpu: Model, bundle: Path, execution: Execution
) -> None:
    if execution.provider != "tensorrt":
        pytest.skip("only TensorRT has engines")
    before = engines_in(execution, bundle)
    for size in SIZES:
        on_gpu.run(asked(on_cpu, bundle, size))
    assert before == engines_in(execution, bundle)
    assert before


def engines_in(execution: Execution, bundle: Path) -> dict[str, int]:
    files = execution.engines_of(bundle).glob("*.engine")
    return {path.name: path.stat().st_mtime_ns for path in files}
