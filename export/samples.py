"""Inputs to prove a graph on: real requests of the validation window, lists of any length."""

import numpy as np

from models.data.batches import Pairs, offered
from models.examples import Examples
from models.features.records import I64, Arrays, CacheAnswer, Hints, ZSequence
from models.schema import TIERS, FeatureSchema


def arrays_of(examples: Examples, requests: int, rows: int, seed: int = 0) -> Arrays:
    """Features of `rows` candidates over `requests` requests, with hints of every tier."""
    rng = np.random.default_rng(seed)
    known = examples.replay.requests_in(examples.replay.log.periods.validation)
    asked = np.sort(rng.choice(known, requests))
    pairs = _lists(examples, asked, rows, rng)
    answer = _answer(examples.schema, requests, rows, rng) if examples.schema.teacher_dim else None
    return examples.arrays(asked, pairs, answer=answer)


def _lists(examples: Examples, asked: I64, rows: int, rng: np.random.Generator) -> Pairs:
    """What the requests offered, cut or filled up with other items to the length asked for."""
    listed = offered(examples.replay, asked)
    missing = max(0, rows - len(listed.item))
    index = np.append(listed.request_index, rng.integers(0, len(asked), missing))
    item = np.append(listed.item, rng.integers(0, len(examples.replay.catalogue), missing))
    chosen = np.sort(rng.permutation(len(item))[:rows])
    return Pairs(index[chosen], item[chosen])


def _answer(
    schema: FeatureSchema, requests: int, rows: int, rng: np.random.Generator
) -> CacheAnswer:
    return CacheAnswer(_hints(schema, rows, rng), _sequence(schema, requests, rng))


def _sequence(schema: FeatureSchema, requests: int, rng: np.random.Generator) -> ZSequence:
    """On any number of events from none to all."""
    length = schema.history_length
    said = np.arange(length) >= rng.integers(0, length + 1, requests)[:, None]
    z = np.tanh(rng.normal(size=(requests, length, schema.teacher_dim))) * said[..., None]
    return ZSequence(z.astype(np.float32), said.astype(np.float32))


def _hints(schema: FeatureSchema, rows: int, rng: np.random.Generator) -> Hints:
    tier = rng.integers(0, len(TIERS), rows)
    here = (tier > 0)[:, None]
    paired = (tier == TIERS.index("pair"))[:, None]
    z = np.tanh(rng.normal(size=(rows, schema.teacher_dim)))
    logit = rng.normal(-3.0, 1.0, size=(rows, len(schema.log.tasks)))
    age_s = rng.exponential(600.0, rows) * (tier > 0)
    return Hints(
        (z * here).astype(np.float32),
        (logit * paired).astype(np.float32),
        tier,
        age_s.astype(np.float32),
    )
