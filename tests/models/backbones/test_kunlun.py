"""Kunlun's switches: what each of them costs, and that the model stays one that serves."""

import numpy as np
import pytest
import torch

from export.parity import ROWS, TOLERANCE, measure
from export.to_onnx import graph_of, to_onnx
from models.backbones.kunlun import KunlunConfig
from models.flops import flops_of
from models.inputs import Inputs
from models.suites.throughput import WHOLE, variants
from models.teacher import Teacher, TeacherConfig
from models.teacher_sizes import teacher_config
from tests.models.random_inputs import random_arrays, schema_of

FEATURES = schema_of(history_length=120)
WHOLE_CONFIG = teacher_config(FEATURES, "kunlun", "s", seed=0)
VARIANTS = variants(WHOLE_CONFIG)


def teacher(config: TeacherConfig) -> Teacher:
    torch.manual_seed(0)
    return Teacher(config).eval()


def kunlun(config: TeacherConfig) -> KunlunConfig:
    assert isinstance(config.backbone, KunlunConfig)
    return config.backbone


def flops(name: str) -> int:
    inputs = Inputs.of(random_arrays(FEATURES, requests=2, candidates=8))
    model = teacher(VARIANTS[name])
    return flops_of(lambda: model(inputs))


def test_skip_and_window_save_operations() -> None:
    whole = flops(WHOLE)
    assert flops("without computation skip") > whole
    assert flops("without sliding window") > whole


def test_our_feed_forward_is_less_work_than_gdpa() -> None:
    """It has no projection of the events."""
    assert flops("PFFN instead of GDPA") < flops(WHOLE)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_answers_and_every_weight_of_its_layers_learns(name: str) -> None:
    model = teacher(VARIANTS[name])
    answered = model(Inputs.of(random_arrays(FEATURES, requests=3, candidates=7)))
    assert answered.logit.shape == (7, 2)
    answered.logit.sum().backward()
    layers = [each for each in model.named_parameters() if "backbone.layers" in each[0]]
    assert layers
    assert not [name for name, weight in layers if weight.grad is None]


@pytest.mark.slow
def test_runtime_answers_as_torch_does_without_any_saving() -> None:
    unbounded = kunlun(VARIANTS["without sliding window"])
    bare = unbounded.model_copy(update={"skips": False, "personal": "pffn"})
    model = teacher(WHOLE_CONFIG.model_copy(update={"backbone": bare}))
    graph = graph_of(model, FEATURES)
    model_bytes = to_onnx(graph, random_arrays(FEATURES, requests=4, candidates=64))
    samples = {rows: random_arrays(FEATURES, 1, rows, seed=rows) for rows in ROWS}
    samples[32] = random_arrays(FEATURES, 2, 32) | {"history_outcome": np.zeros((2, 120), np.int64)}
    assert max(measure(graph, model_bytes, samples).max_abs_error.values()) <= TOLERANCE


def test_events_out_of_the_window_are_heard_without_it() -> None:
    arrays = random_arrays(FEATURES, requests=2, candidates=6)
    full = teacher(VARIANTS["without sliding window"])
    windowed = teacher(VARIANTS[WHOLE])
    windowed.load_state_dict(full.state_dict())
    apart = full(Inputs.of(arrays)).logit - windowed(Inputs.of(arrays)).logit
    assert apart.abs().max() > 1e-6
