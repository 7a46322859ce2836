"""A trained model over many requests, in batches, without gradients."""

from collections.abc import Iterator

import numpy as np
import torch

from models.examples import Examples, HintSource
from models.features.records import F32, I64
from models.inputs import Inputs
from models.student import Student
from models.teacher import Teacher

BATCH_REQUESTS = 256


def predict(
    model: Student | Teacher, examples: Examples, requests: I64, hints: HintSource | None = None
) -> F32:
    """Logits `[n, T]` of the requests' impressions, in log order."""
    logits = []
    with torch.inference_mode():
        for rows in chunked(requests):
            inputs = Inputs.of(examples.batch(rows, hints).arrays)
            answered = model(inputs)
            logit = answered if isinstance(answered, torch.Tensor) else answered.logit
            logits.append(logit.numpy())
    return np.concatenate(logits)


def chunked(requests: I64, size: int = BATCH_REQUESTS) -> Iterator[I64]:
    for start in range(0, len(requests), size):
        yield requests[start : start + size]
