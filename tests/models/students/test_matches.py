import math

import pytest
import torch

from models.inputs import Inputs
from models.students.matches import SAID, Matches
from tests.models.random_inputs import random_arrays, schema_of

DIM = 4
FEATURES = schema_of(history_length=5, teacher_dim=DIM, reads_sequence=True)
COLUMNS, KINDS = 2, 3


@pytest.fixture
def inputs() -> Inputs:
    arrays = random_arrays(FEATURES, requests=3, candidates=20, seed=2)
    arrays["history_said"] = (arrays["history_said"] > 0).astype("float32")
    arrays["history_z"] *= arrays["history_said"][..., None]
    return Inputs.of(arrays)


@pytest.fixture
def matches() -> Matches:
    torch.manual_seed(0)
    return Matches(FEATURES, reads_said=True)


def test_counts_and_means_are_those_of_a_loop(inputs: Inputs, matches: Matches) -> None:
    assert matches.said is not None
    assert inputs.history_z is not None
    assert inputs.history_said is not None
    told = matches(inputs).unflatten(1, (COLUMNS, KINDS + SAID))
    projected = matches.said(inputs.history_z)
    seen = 0
    for candidate, request in enumerate(inputs.request_index.tolist()):
        for column in range(COLUMNS):
            value = inputs.item_categorical[candidate, column]
            events = inputs.history_categorical[request, :, column] == value
            outcome = inputs.history_outcome[request][events]
            counts = [int(((outcome >> kind) & 1).sum()) for kind in range(KINDS)]
            expected = [math.log1p(count) for count in counts]
            assert told[candidate, column, :KINDS].tolist() == pytest.approx(expected)
            said = projected[request][events & (inputs.history_said[request] > 0)]
            mean = said.mean(0) if len(said) else torch.zeros(SAID)
            torch.testing.assert_close(told[candidate, column, KINDS:], mean)
            seen += len(said)
    assert seen > 5


def test_without_a_word_on_the_past_the_means_are_zero(inputs: Inputs, matches: Matches) -> None:
    assert inputs.history_z is not None
    assert inputs.history_said is not None
    silent = inputs._replace(
        history_z=torch.zeros_like(inputs.history_z),
        history_said=torch.zeros_like(inputs.history_said),
    )
    told = matches(silent).unflatten(1, (COLUMNS, KINDS + SAID))
    assert not told[..., KINDS:].any()
    counts = Matches(FEATURES, reads_said=False)(inputs)
    torch.testing.assert_close(told[..., :KINDS].flatten(1), counts)
