"""Served requests of any size, with every bit pattern that a float can have."""

import msgspec
import numpy as np

from cache.served import Served


def make_served(
    count: int = 3,
    *,
    request_id: str = "request-1",
    seed: int = 0,
    timestamp_ms: int = 1_760_000_000_000,
    version: str = "v1",
    dim: int = 4,
    tasks: tuple[str, ...] = ("click", "conversion"),
    bare: bool = False,
) -> Served:
    """`bare` is what a model without a teacher leaves that failed, for a caller without bids."""
    rng = np.random.default_rng(seed)
    return Served(
        request_id=request_id,
        user_id="usér-1",
        timestamp_ms=timestamp_ms,
        model="student",
        version=version,
        lane="stable",
        task=tasks[0],
        context={} if bare else {"placement": "feed", "slot_width": "320"},
        item_ids=[f"item-{number}" for number in range(count)],
        position=rng.permutation(count) - bare,
        bids=None if bare else rng.random(count),
        values=None if bare else rng.random(count),
        tier=rng.integers(0, 5, count).astype(np.uint8),
        age_s=rng.random(count).astype(np.float32),
        tasks=list(tasks),
        scores=rng.random((count, len(tasks))),
        logit=None if bare else any_f32(rng, count, len(tasks)),
        coverage={"none": 0.25, "item": 0.0, "user": 0.5, "neighbour": 0.0, "pair": 0.25},
        degraded=[] if bare else [("cache", "stale"), ("inference", "failed")],
        user_side={
            "user_categorical": rng.integers(0, 1 << 24, (1, 2)),
            "context_number": np.zeros((1, 0), np.float32),
            "history_z": any_f32(rng, 1, 5, dim),
        },
        candidate_side={
            "item_categorical": rng.integers(0, 1 << 24, (count, 2)),
            "teacher_tier": rng.integers(0, 5, count),
            "teacher_z": any_f32(rng, count, dim),
        },
    )


def any_f32(
    rng: np.random.Generator, *shape: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """NaNs of every payload among them, and negative zero."""
    values = rng.integers(0, 1 << 32, shape, np.uint32).view(np.float32)
    values.reshape(-1)[:1] = -0.0
    return values


def assert_same(read: Served, written: Served) -> None:
    """To the last bit, with dtypes and shapes."""
    for name, value in msgspec.structs.asdict(written).items():
        got = getattr(read, name)
        if isinstance(value, dict):
            assert list(got) == list(value), name
        for one, other in zip(_parts(got), _parts(value), strict=True):
            assert _bits(one) == _bits(other), name


def _parts(value: object) -> list[object]:
    return list(value.values()) if isinstance(value, dict) else [value]


def _bits(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return value
