"""Scores of candidates as the student would give them, or without one the item's own rate."""

from pathlib import Path
from typing import Final

import numpy as np
import torch

from models.checkpoint import load_student
from models.data.batches import Pairs
from models.data.causal import Replay
from models.examples import Examples
from models.features.records import F32, I64
from models.inputs import Inputs
from models.simulation.trace_of_log import Scores

PRIOR_IMPRESSIONS: Final = 20.0
BATCH_REQUESTS: Final = 64


def item_rates(replay: Replay, requests: I64, pairs: Pairs) -> F32:
    """Positives ÷ impressions of the item strictly before the request, both decayed, with the base
    rate of before the first request as prior. Of the first task."""
    as_of_ms = replay.time_ms[requests][pairs.request_index]
    counters = replay.items.counters(replay.items.before(pairs.item, as_of_ms)).counters
    known = replay.labels[: replay.offsets[requests[0]], 0]
    known = known[known >= 0]
    base = float(known.mean()) if len(known) else 0.5
    rate = (counters[:, 1] + base * PRIOR_IMPRESSIONS) / (counters[:, 0] + PRIOR_IMPRESSIONS)
    return np.clip(rate, 0.0, 1.0).astype(np.float32)


def student_scores(run: Path) -> Scores:
    """Of a run's student with an empty cache. Raises CheckpointInvalid."""
    model, config = load_student(run, "student")

    def scores(replay: Replay, requests: I64, pairs: Pairs) -> F32:
        examples = Examples.of(replay, config.features)
        ends = np.searchsorted(pairs.request_index, np.arange(len(requests) + 1))
        parts = []
        for start in range(0, len(requests), BATCH_REQUESTS):
            rows = requests[start : start + BATCH_REQUESTS]
            part = slice(ends[start], ends[start + len(rows)])
            batch = Pairs(pairs.request_index[part] - start, pairs.item[part])
            with torch.inference_mode():
                logit = model(Inputs.of(examples.arrays(rows, batch)))
            parts.append(torch.sigmoid(logit[:, 0]).numpy())
        return np.concatenate(parts).astype(np.float32)

    return scores
