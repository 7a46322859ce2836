"""What a cache says → a model's inputs: hints by candidate, a sequence by request."""

import numpy as np

from models.features.records import F32, Arrays, CacheAnswer, Hints, ZSequence
from models.schema import TIERS, FeatureSchema


def cache_side(
    schema: FeatureSchema, requests: int, candidates: int, answer: CacheAnswer | None
) -> Arrays:
    """Of R requests with N candidates in all; None reads as a cache that has nothing."""
    if not schema.teacher_dim:
        return {}
    if answer is None:
        answer = no_answer(schema, requests, candidates)
    arrays = _hint_side(answer.hints)
    if schema.reads_sequence:
        sequence = answer.sequence or no_sequence(schema, requests)
        arrays |= {"history_z": sequence.z, "history_said": sequence.said}
    return arrays


def no_answer(schema: FeatureSchema, requests: int, candidates: int) -> CacheAnswer:
    """What a model reads when the cache says nothing."""
    hints = no_hints(candidates, schema.teacher_dim, len(schema.log.tasks))
    return CacheAnswer(hints, no_sequence(schema, requests))


def no_hints(count: int, dim: int, tasks: int) -> Hints:
    return Hints(
        np.zeros((count, dim), np.float32),
        np.zeros((count, tasks), np.float32),
        np.full(count, TIERS.index("none"), np.int64),
        np.zeros(count, np.float32),
    )


def no_sequence(schema: FeatureSchema, requests: int) -> ZSequence:
    shape = (requests, schema.history_length)
    z = np.zeros((*shape, schema.teacher_dim), np.float32)
    return ZSequence(z, np.zeros(shape, np.float32))


def _hint_side(hints: Hints) -> Arrays:
    mask = (hints.tier > 0).astype(np.float32)
    state = np.empty((len(mask), 2), np.float32)
    state[:, 0] = mask
    np.multiply(_log_seconds(hints.age_s), mask, out=state[:, 1])
    return {
        "teacher_z": hints.z,
        "teacher_logit": hints.logit,
        "teacher_tier": hints.tier,
        "teacher_state": state,
    }


def _log_seconds(seconds: F32) -> F32:
    """log(1 + s) / 10: a minute is 0.41, a day 1.14; never-seen (−1) stays −1."""
    logged = np.log1p(np.maximum(seconds, 0.0)) / 10.0
    np.copyto(logged, -1.0, where=seconds < 0)
    return logged.astype(np.float32, copy=False)
