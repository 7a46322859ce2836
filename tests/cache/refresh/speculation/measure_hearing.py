"""What telling of hits costs a gateway, and hearing of them a refresher.

python -m tests.cache.refresh.speculation.measure_hearing
"""

import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from cache.demand import HIT, Demand, Others, alone, decode, encode
from cache.refresh.speculation.news import AT_ONCE
from cache.refresh.speculation.options import PolicyName, Speculating
from cache.refresh.tally import Tally
from cache.tiers import TtlPolicy
from models.features.hashing import key64
from tests.bundles import NOW_MS

CANDIDATES, HITS, USERS, ITEMS, REQUESTS = 200, 150, 500, 5_000, 4_000


def requests(seed: int = 0) -> list[Demand]:
    """A second apart, each user's own 400 items among 5,000."""
    rng = np.random.default_rng(seed)
    item_keys = rng.integers(0, 1 << 63, ITEMS).astype(np.uint64)
    own = [rng.choice(item_keys, 2 * CANDIDATES, replace=False) for _ in range(USERS)]
    contexts = [np.array([key64(name)], np.uint64) for name in ("feed", "story")]
    standing = np.repeat([HIT, 0], [HITS, CANDIDATES - HITS]).astype(np.uint8)
    made = []
    for number in range(REQUESTS):
        user = int(rng.integers(0, USERS))
        items = rng.choice(own[user], CANDIDATES, replace=False)
        scores = rng.random(CANDIDATES).astype(np.float32)
        none = Others(items[:0], scores[:0], standing)
        whole = Demand(
            f"user-{user}", NOW_MS + 1000 * number, contexts[number % 2], scores[:1], items,
            scores, none,
        )  # fmt: skip
        made.append(whole)
    return made


def microseconds(do: Callable[[Demand], object], each: Sequence[Demand]) -> float:
    """The median, so that a slice given to somebody else is not counted."""
    spent = []
    for demand in each:
        began = time.perf_counter()
        do(demand)
        spent.append(time.perf_counter() - began)
    return 1e6 * float(np.median(spent))


def main() -> None:
    wholes = requests()
    wanted = wholes[0].others
    assert wanted is not None
    asks = wanted.standing != HIT
    told = [whole.asking(asks) for whole in wholes]
    lean = [one._replace(others=None) for one in told]
    bodies = {id(one): encode(one, 0) for one in told}
    say = sys.stdout.write
    say(f"message: {len(encode(lean[0], 0))} bytes alone, {len(encode(told[0], 0))} with hits\n")
    say(f"tell apart: {microseconds(lambda one: one.asking(asks), wholes):.1f} µs\n")
    say(f"encode: {microseconds(lambda one: encode(one, 0), lean):.1f} µs alone, ")
    say(f"{microseconds(lambda one: encode(one, 0), told):.1f} µs with hits\n")
    say(f"decode and strip: {microseconds(lambda one: _read(bodies[id(one)]), told):.1f} µs\n")
    for name in ("popularity", "student-score", "hazard", "all"):
        _say_costs(name, told)


def _say_costs(name: PolicyName, told: Sequence[Demand]) -> None:
    speculator = Speculating(name, 100.0).speculator(TtlPolicy(), Tally("refresh"))
    heard = microseconds(lambda one: speculator.hear(0, one, 0), told)
    planned = []
    while speculator.has_news:
        began = time.perf_counter()
        speculator.plan()
        planned.append(time.perf_counter() - began)
    median, most = 1e3 * float(np.median(planned)), 1e3 * max(planned)
    sys.stdout.write(f"{name}: hear {heard:.0f} µs; tell of {AT_ONCE} and plan ")
    sys.stdout.write(f"{median:.0f} ms, at most {most:.0f}\n")


def _read(body: bytes) -> None:
    decode(alone(body))


if __name__ == "__main__":
    main()
