"""What is done to a model for torch.compile; its graphs are left out, they take minutes here."""

from collections.abc import Callable

import pytest
import torch

from models.inputs import Inputs
from models.teacher import Teacher
from models.teacher_sizes import FAMILIES, Family, teacher_config
from models.training.compiling import compile_parts
from models.training.following import Following
from tests.models.random_inputs import random_arrays, schema_of

CPU, META = torch.device("cpu"), torch.device("meta")


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda forward, dynamic: _Graph(forward))


class _Graph:
    runs = 0

    def __init__(self, forward: Callable[[Inputs], object]) -> None:
        self._forward = forward

    def __call__(self, inputs: Inputs) -> object:
        _Graph.runs += 1
        return self._forward(inputs)


def a_teacher(family: Family) -> tuple[Teacher, Inputs]:
    torch.manual_seed(0)
    features = schema_of(history_length=20)
    model = Teacher(teacher_config(features, family, "s", seed=0)).eval()
    return model, Inputs.of(random_arrays(features, requests=3, candidates=11))


@pytest.mark.parametrize("family", FAMILIES)
def test_compiled_model_answers_and_is_named_as_before(family: Family) -> None:
    model, inputs = a_teacher(family)
    answered, names = model(inputs), list(model.state_dict())
    compile_parts([model], CPU)
    torch.testing.assert_close(model(inputs).logit, answered.logit)
    assert list(model.state_dict()) == names


def test_batch_is_moved_before_the_graph_and_nothing_is_asked_in_it() -> None:
    model, inputs = a_teacher("interformer")
    compile_parts([model.to(META)], META)
    asked = list[str]()

    class Noting(Following):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            asked.append(func.__name__)
            return super().__torch_function__(func, types, args, kwargs)

    with Noting(META):
        answered = model(inputs)
    assert answered.logit.device == META
    assert asked == []


def test_validation_does_without_a_graph() -> None:
    model, inputs = a_teacher("interformer")
    compile_parts([model], CPU)
    before = _Graph.runs
    with torch.inference_mode():
        model(inputs)
    assert _Graph.runs == before
    model(inputs)
    assert _Graph.runs == before + 1
