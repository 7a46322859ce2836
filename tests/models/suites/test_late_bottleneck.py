"""A bottleneck fitted to a teacher that is there already."""

import numpy as np
import pytest
import torch

from models import settled_bottleneck
from models.backbones.interformer import InterFormerConfig
from models.inputs import Inputs
from models.suites.late_bottleneck import fitted, z_of
from models.teacher import Teacher, TeacherConfig
from tests.models.random_inputs import random_arrays, schema_of

FEATURES = schema_of(history_length=6)
CANDIDATES = 400
TINY = InterFormerConfig(width=8, layers=1, length=6)


@pytest.fixture(autouse=True)
def soon_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled_bottleneck, "STEPS", 200)


def low_rank(rows: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(rows, 3)) @ rng.normal(size=(3, 16))).astype(np.float16)


def test_a_new_bottleneck_changes_neither_the_logits_nor_the_teacher() -> None:
    torch.manual_seed(0)
    teacher = Teacher(TeacherConfig(features=FEATURES, backbone=TINY, hidden=16)).eval()
    inputs = Inputs.of(random_arrays(FEATURES, requests=40, candidates=CANDIDATES))
    before = {name: weight.clone() for name, weight in teacher.state_dict().items()}
    answered = teacher(inputs)
    late = fitted(answered.activation.detach().half().numpy(), (16, 32, 64), seed=1)
    after = teacher.state_dict()
    assert all(torch.equal(weight, after[name]) for name, weight in before.items())
    teacher.bottleneck = late
    again = teacher(inputs)
    assert torch.equal(again.logit, answered.logit)
    assert again.z.shape == (CANDIDATES, 64)


def test_it_is_fitted_and_the_same_for_the_same_seed() -> None:
    activation = low_rank(2_000)
    layers = [fitted(activation, (4, 8, 16), seed) for seed in (3, 3, 4)]
    same, again, other = (z_of(layer, activation) for layer in layers)
    np.testing.assert_array_equal(same, again)
    assert np.abs(same - other).max() > 0.1
    values = torch.from_numpy(activation).float()
    with torch.no_grad():
        assert layers[0].loss(values, layers[0](values)) < 0.5  # 1 is that of the mean
