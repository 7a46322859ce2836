"""The bundle behind a real server, by every way to it."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from models.features.records import Arrays
from models.manifest import GOLDEN
from models.runtime import load
from models.triton.errors import TritonMismatch, TritonTimeout, TritonUnavailable
from models.triton.model import TritonModel
from models.triton.opening import open_model
from server.raw_loop import requests_of
from tests.triton.conftest import Exported, shared_regions

WAYS = [
    ("triton", ""),
    ("triton+http", ""),
    ("triton", "?shared_memory=1"),
    ("triton+http", "?shared_memory=1"),
]


def arrays_of(model: TritonModel, candidates: int) -> Arrays:
    golden = load_file(model.bundle.folder / GOLDEN)
    return requests_of(golden, model.manifest.inputs, candidates)


@pytest.mark.parametrize("role", ["student", "teacher"])
@pytest.mark.parametrize(("scheme", "options"), WAYS)
def test_answers_are_those_of_the_bundle_in_process(
    exported: Exported, role: str, scheme: str, options: str
) -> None:
    folder = getattr(exported, role)
    here, there = load(folder), open_model(folder, exported.url(scheme, options), 10.0)
    there.prove()
    for candidates in (1, 7, 2000, 3):
        arrays = arrays_of(there, candidates)
        one, other = there.run(arrays), here.run(arrays)
        np.testing.assert_allclose(one.logit, other.logit, atol=1e-5)
        if one.z is not None and other.z is not None:
            np.testing.assert_allclose(one.z, other.z, atol=1e-5)
        assert (one.z is None) == (other.z is None)
    there.close()
    assert shared_regions() == []


@pytest.mark.parametrize(("scheme", "options"), WAYS)
def test_run_after_one_that_was_late_has_its_own_answer(
    exported: Exported, scheme: str, options: str
) -> None:
    here = load(exported.student)
    there = open_model(exported.student, exported.url(scheme, options), 10.0)
    there.run(arrays_of(there, 50))
    with pytest.raises(TritonTimeout):
        there.run(arrays_of(there, 4000), timeout_s=1e-4)
    arrays = arrays_of(there, 50)
    np.testing.assert_allclose(there.run(arrays).logit, here.run(arrays).logit, atol=1e-5)
    there.close()
    assert shared_regions() == []


@pytest.mark.parametrize("scheme", ["triton", "triton+http"])
def test_unknown_model_and_another_one_are_told_apart(exported: Exported, scheme: str) -> None:
    unknown = open_model(exported.student, f"{exported.url(scheme)}/nobody", 10.0)
    with pytest.raises(TritonUnavailable, match="nobody"):
        unknown.prove()
    url = f"{exported.url(scheme)}/{exported.teacher.name}/1"
    with pytest.raises(TritonMismatch, match="name the right model"):
        open_model(exported.student, url, 10.0).prove()
