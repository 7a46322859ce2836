from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from loadtest.peers.tensors import cases
from models.runtime import load
from server.raw_loop import requests_of
from tests.bundles import serving_folder


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serving")
    serving_folder(folder)
    return next(folder.glob("student-*"))


@pytest.mark.parametrize("size", [1, 7, 100])
def test_case_is_what_the_raw_loop_runs(student: Path, size: int) -> None:
    [case] = cases(student, [size])
    model = load(student)
    wanted = requests_of(load_file(student / "golden.safetensors"), model.manifest.inputs, size)
    assert set(case.arrays) == {spec.name for spec in model.manifest.inputs}
    for name, array in case.arrays.items():
        np.testing.assert_array_equal(array, wanted[name])
        assert array.dtype == wanted[name].dtype


def test_scores_of_a_case_are_the_models(student: Path) -> None:
    [case] = cases(student, [12])
    assert case.scores.shape[0] == 12
    np.testing.assert_array_equal(case.scores, load(student).run(dict(case.arrays)).logit)
