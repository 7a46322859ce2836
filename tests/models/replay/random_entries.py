"""A teacher's word on a few users, pairs and instants, so that all of them meet."""

import numpy as np

from models.features.records import F32, I64
from models.replay.lending import Asked, Entries, Lent

CONTEXTS = 2


def random_entries(rng: np.random.Generator, count: int, users: int = 8) -> Entries:
    pair = rng.integers(0, 6, count)
    z = rng.normal(1.0, 1.0, (count, 5)).astype(np.float32)
    logit = rng.normal(size=(count, 2)).astype(np.float32)
    return Entries(
        rng.integers(0, users, count), pair, pair // CONTEXTS, _times(rng, count), z, logit
    )


def random_asked(rng: np.random.Generator, count: int) -> Asked:
    """Of some users and pairs that no entry knows."""
    pair = rng.integers(0, 7, count)
    return Asked(rng.integers(0, 10, count), pair, pair // CONTEXTS, _times(rng, count))


def _times(rng: np.random.Generator, count: int) -> I64:
    """Of ten minutes; a third of them fall on whole minutes."""
    at_ms = rng.integers(0, 600_000, count)
    return np.where(rng.random(count) < 1 / 3, at_ms // 60_000 * 60_000, at_ms)


def entries_of(*said: tuple[int, int, int, list[float]]) -> Entries:
    """(user, pair, at_ms, z); the item is the pair's, the only logit the row's number."""
    user, pair, at_ms, z = zip(*said, strict=True)
    code: I64 = np.array(pair)
    logit: F32 = np.arange(len(said), dtype=np.float32)[:, None]
    return Entries(
        np.array(user), code, code // CONTEXTS, np.array(at_ms), np.array(z, np.float32), logit
    )


def asked_of(*asked: tuple[int, int, int]) -> Asked:
    """(user, pair, now_ms)"""
    user, pair, now_ms = (np.array(column, np.int64) for column in zip(*asked, strict=True))
    return Asked(user, pair, pair // CONTEXTS, now_ms)


def before(entries: Entries, asked: Asked, cut_ms: int) -> tuple[Entries, Asked, I64]:
    """What is left when all at or after `cut_ms` is deleted, but for who asks at that instant;
    and the rows of `asked` that are left."""
    rows = np.flatnonzero(asked.now_ms <= cut_ms)
    there = entries.at_ms < cut_ms
    kept = Entries(
        entries.user[there],
        entries.pair[there],
        entries.item[there],
        entries.at_ms[there],
        entries.z[there],
        entries.logit[there],
    )
    return kept, Asked(*(column[rows] for column in asked)), rows


def rows_of(lent: Lent, rows: I64) -> Lent:
    return Lent(lent.z[rows], lent.logit[rows], lent.age_s[rows], lent.found[rows])


def assert_lent_alike(actual: Lent, expected: Lent, tolerance: float) -> None:
    np.testing.assert_array_equal(actual.found, expected.found)
    np.testing.assert_array_equal(actual.age_s, expected.age_s)
    for one, other in ((actual.z, expected.z), (actual.logit, expected.logit)):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def assert_types_of_lent(lent: Lent) -> None:
    dtypes = [column.dtype for column in lent]
    assert dtypes == [np.float32, np.float32, np.float32, np.bool_]
