"""InterFormer's switches: each takes its own part away, and the model stays one that serves."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from export.parity import ROWS, TOLERANCE, measure
from export.to_onnx import graph_of, to_onnx
from models.backbones.interformer import InterFormer, InterFormerConfig
from models.inputs import Inputs
from models.stem import Past
from models.suites.teacher_ablations import WHOLE, variants
from models.teacher import Teacher, TeacherConfig
from tests.models.random_inputs import random_arrays, schema_of

FEATURES = schema_of(history_length=12)
TINY = InterFormerConfig(width=8, layers=2, length=12, rank=4)
VARIANTS = variants(TINY)
PARTS = {
    "without PMA": ".pool.",
    "without CLS tokens": "backbone.first.",
    "without recent tokens": "nothing: they have no weights",
    "without gates": "_gate.",
    "without personalised FFN": ".personal.",
}
X_SUM = ("summary.compress.", "summary.x_gate.")
"""Weights of a layer that its personalised FFN alone hears of."""


def teacher(backbone: InterFormerConfig) -> Teacher:
    torch.manual_seed(0)
    config = TeacherConfig(features=FEATURES, backbone=backbone, hidden=16, cross_rank=4)
    return Teacher(config).eval()


def test_each_variant_has_a_name_here() -> None:
    assert set(VARIANTS) == {WHOLE, *PARTS}


@pytest.mark.parametrize(("name", "part"), PARTS.items())
def test_a_variant_lacks_the_weights_of_its_part_and_no_others(name: str, part: str) -> None:
    whole, variant = (set(teacher(VARIANTS[each]).state_dict()) for each in (WHOLE, name))
    assert variant == {weight for weight in whole if part not in weight}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_answers_and_every_weight_of_its_layers_learns(name: str) -> None:
    model = teacher(VARIANTS[name])
    answered = model(Inputs.of(random_arrays(FEATURES, requests=3, candidates=7)))
    assert answered.logit.shape == (7, 2)
    answered.logit.sum().backward()
    layers = [each for each in model.named_parameters() if "backbone.layers" in each[0]]
    assert layers
    idle = [weight for weight, value in layers if value.grad is None]
    of_x_sum = [weight for weight, _ in layers if any(part in weight for part in X_SUM)]
    assert idle == (of_x_sum if name == "without personalised FFN" else [])


def events_of(config: InterFormerConfig, x_rnd: Tensor) -> Tensor:
    """What a backbone makes of the same events for these users."""
    torch.manual_seed(0)
    backbone = InterFormer(config, tokens=3, event_width=5)
    past = Past(torch.zeros(1, 12, 2).long(), torch.ones(1, 12).long(), torch.zeros(1, 12))
    seen = torch.randn(1, 12, 5, generator=torch.Generator().manual_seed(1))
    found: Tensor = backbone(x_rnd, past, lambda _: seen).events[0].values
    return found


@pytest.mark.parametrize(
    ("change", "hears"),
    [
        ({}, True),
        ({"cls": False}, True),
        ({"personal": False}, True),
        ({"cls": False, "personal": False}, False),
    ],
)
def test_events_hear_of_their_user_by_cls_tokens_and_by_the_feed_forward(
    change: dict[str, object], hears: bool
) -> None:
    config = TINY.model_copy(update=change)
    one, other = (events_of(config, torch.full((1, 3, 8), value)) for value in (1.0, -2.0))
    assert bool((one - other).abs().max() > 1e-6) is hears


def test_a_summary_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="leave one of them in"):
        InterFormerConfig(cls=False, pooled=0, recent=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_runtime_answers_as_torch_does(name: str) -> None:
    model = teacher(VARIANTS[name].model_copy(update={"layers": 1}))
    graph = graph_of(model, FEATURES)
    model_bytes = to_onnx(graph, random_arrays(FEATURES, requests=4, candidates=64))
    samples = {rows: random_arrays(FEATURES, 1, rows, seed=rows) for rows in ROWS}
    samples[32] = random_arrays(FEATURES, 2, 32) | {"history_outcome": np.zeros((2, 12), np.int64)}
    assert max(measure(graph, model_bytes, samples).max_abs_error.values()) <= TOLERANCE
