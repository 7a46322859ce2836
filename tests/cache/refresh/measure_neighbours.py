"""What a round of `understudy neighbours` takes, and how much of the truth its index finds.

python -m tests.cache.refresh.measure_neighbours 2000 20000
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np

from cache.arrays import F32, F64, I64
from cache.bench.printed import say
from cache.entries import Entries
from cache.quantise import Precision
from cache.refresh.neighbour_index import Near, NeighbourIndex, directions_of
from cache.refresh.neighbour_lending import NeighbourRules, lent_to
from cache.refresh.neighbour_loop import value_of
from cache.refresh.neighbour_shelf import Shelf, UserEntries, Width

DIM, TASKS, HELD, ITEMS, TASTES = 32, 2, 300, 10_000, 40
NOW_MS = 1_760_000_000_000
ASKED = 200
RULES = NeighbourRules(86_400.0)
T = TypeVar("T")


def main() -> None:
    for users in map(int, sys.argv[1:] or ("2000",)):
        say(f"\n{users:,} users of {TASTES} tastes, {HELD} entries each, d = {DIM}")
        shelf = _shelf(users)
        say(f"entries: {sum(column.nbytes for column in shelf[2:]):,} bytes")
        directions, means_s = timed(partial(_directions, shelf))
        index, index_s = timed(partial(NeighbourIndex, directions))
        say(f"directions {means_s:.1f} s, index {index_s:.1f} s")
        _lend(shelf, directions, index)
        say(f"neighbours recalled of users in all directions: {_recalled_at_worst(users):.4f}")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.process_time()
    return work(), time.process_time() - started


def _directions(shelf: Shelf) -> F32:
    return directions_of(shelf.means())


def _lend(shelf: Shelf, directions: F32, index: NeighbourIndex) -> None:
    asked = np.linspace(0, len(shelf.users) - 1, ASKED).astype(int).tolist()
    most = RULES.nearest_users
    near, near_s = timed(lambda: [index.near(user, most) for user in asked])
    pairs = [*zip(asked, near, strict=True)]
    lent, lent_s = timed(lambda: [lent_to(shelf, *each, RULES) for each in pairs])
    exact = [_exactly(directions, user, most) for user in asked]
    truly = [lent_to(shelf, *each, RULES) for each in zip(asked, exact, strict=True)]
    sizes = [len(value_of(each)) for each in lent]
    recalled = [_share(a.users, b.users) for a, b in zip(near, exact, strict=True)]
    same = [_same(*each) for each in zip(lent, truly, strict=True)]
    say(
        f"a user: {1e3 * near_s / ASKED:.2f} ms to find, {1e3 * lent_s / ASKED:.1f} ms to lend, "
        f"{np.mean(sizes):,.0f} bytes\n"
        f"neighbours recalled {np.mean(recalled):.4f}, lent entries as by exact search "
        f"{np.mean(same):.4f}"
    )


def _recalled_at_worst(users: int) -> float:
    """Nobody has anything in common with anybody: the hardest there is for an index."""
    means = np.random.default_rng(1).normal(size=(users, DIM)).astype(np.float32)
    directions = directions_of(means)
    index = NeighbourIndex(directions)
    most, asked = RULES.nearest_users, np.linspace(0, users - 1, ASKED).astype(int).tolist()
    shares = [
        _share(index.near(user, most).users, _exactly(directions, user, most).users)
        for user in asked
    ]
    return float(np.mean(shares))


def _exactly(directions: F32, user: int, most: int) -> Near:
    similarity = directions @ directions[user]
    similarity[user] = -1.0
    users = np.argsort(-similarity, kind="stable")[:most]
    return Near(users[similarity[users] > 0], similarity[users][similarity[users] > 0])


def _share(told: I64, true: I64) -> float:
    return float(np.isin(true, told).mean())


def _same(told: Entries, true: Entries) -> float:
    """The share of entries with the same z."""
    both, at, of = np.intersect1d(told.pair_keys, true.pair_keys, return_indices=True)
    alike = np.isclose(told.z()[at], true.z()[of], atol=0.02).all(axis=1)
    return float(alike.sum() / max(len(true.pair_keys), 1)) if len(both) else 0.0


def _shelf(users: int) -> Shelf:
    rng = np.random.default_rng(0)
    tastes = rng.normal(size=(TASTES, DIM))
    popularity = 1.0 / np.arange(1, ITEMS + 1) ** 0.8
    chance = popularity / popularity.sum()
    told = [
        UserEntries(str(user), _entries(rng, tastes[user % TASTES], chance))
        for user in range(users)
    ]
    return Shelf.of(told, Width(DIM, TASKS), RULES.hard_ttl_s)


def _entries(rng: np.random.Generator, taste: F64, chance: F64) -> Entries:
    keys = np.unique(rng.choice(ITEMS, HELD, p=chance)).astype(np.uint64)
    own = taste + 0.5 * rng.normal(size=DIM)
    z = np.tanh(own + rng.normal(size=(len(keys), DIM))).astype(np.float32)
    at_ms = NOW_MS - rng.integers(0, 40_000_000, len(keys))
    logit = rng.normal(size=(len(keys), TASKS)).astype(np.float32)
    return Entries.of(keys, at_ms, logit, z, Precision.INT8)


if __name__ == "__main__":
    main()
