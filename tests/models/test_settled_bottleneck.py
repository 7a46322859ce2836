import copy

import numpy as np
import pytest
import torch
from rich.progress import Progress

from models.data.causal import Replay
from models.examples import Examples, features_of
from models.inputs import Inputs
from models.settled_bottleneck import settle
from models.teacher import Teacher
from models.teacher_sizes import teacher_config
from tests.models.data.small_logs import random_log

REPLAY = Replay.of(random_log(11, 60))
FEATURES = features_of(REPLAY, 20, 0, int(REPLAY.time_ms.max()))
EXAMPLES = Examples.of(REPLAY, FEATURES)
REQUESTS = np.arange(len(REPLAY.time_ms))


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.settled_bottleneck.STEPS", 150)


def made() -> Teacher:
    torch.manual_seed(0)
    return Teacher(teacher_config(FEATURES, "interformer", "s", seed=0)).eval()


def settled(requests: np.ndarray[tuple[int], np.dtype[np.int64]] = REQUESTS) -> Teacher:
    teacher = made()
    settle(teacher, EXAMPLES, requests, 0, Progress(disable=True))
    return teacher


def test_z_says_more_of_the_activation_and_the_logits_stay() -> None:
    inputs = Inputs.of(EXAMPLES.batch(REQUESTS).arrays)
    before, after = made(), settled()
    with torch.inference_mode():
        first, last = before(inputs), after(inputs)
        torch.testing.assert_close(first.logit, last.logit, rtol=0, atol=0)
        loss = [t.bottleneck.loss(a.activation, a.z) for t, a in ((before, first), (after, last))]
    assert loss[1] < 0.5 * loss[0]


def test_same_seed_settles_alike_whatever_was_drawn_before() -> None:
    once = settled()
    torch.rand(3)
    again = settled()
    for name, weight in once.state_dict().items():
        torch.testing.assert_close(weight, again.state_dict()[name], rtol=0, atol=0, msg=name)


def test_a_teacher_without_requests_stays_as_it_is() -> None:
    expected = copy.deepcopy(made().state_dict())
    for name, weight in settled(REQUESTS[:0]).state_dict().items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=0)
