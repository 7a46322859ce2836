"""A trained model over many requests, in batches, without gradients."""

from collections.abc import Iterator

import numpy as np
import torch

from models.examples import Batch, CacheSource, Examples
from models.features.cached import cache_side
from models.features.records import F32, I64, Arrays, CacheAnswer
from models.inputs import Inputs
from models.schema import FeatureSchema
from models.student import Student
from models.teacher import Teacher

BATCH_REQUESTS = 256


def predict(
    model: Student | Teacher, examples: Examples, requests: I64, cache: CacheSource | None = None
) -> F32:
    """Logits `[n, T]` of the requests' impressions, in log order."""
    logits = []
    for rows in chunked(requests):
        batch = examples.batch(rows, cache)
        logits.append(_logits(model, batch.arrays))
    return np.concatenate(logits)


def predict_batch(
    model: Student | Teacher, schema: FeatureSchema, batch: Batch, answer: CacheAnswer | None
) -> F32:
    """Logits of a batch as another cache would have it."""
    side = cache_side(schema, len(batch.requests), len(batch.impression), answer)
    return _logits(model, batch.arrays | side)


def _logits(model: Student | Teacher, arrays: Arrays) -> F32:
    with torch.inference_mode():
        answered = model(Inputs.of(arrays))
    logit: F32 = (answered if isinstance(answered, torch.Tensor) else answered.logit).numpy()
    return logit


def chunked(requests: I64, size: int = BATCH_REQUESTS) -> Iterator[I64]:
    for start in range(0, len(requests), size):
        yield requests[start : start + size]
