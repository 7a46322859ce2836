"""A student behind the back of another: what is counted of it, and that it harms nobody."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.features.records import Arrays
from server.inference import Headers, Ran
from server.ranked import Ranked
from server.rollout.evidence.answered import shown_scores
from server.rollout.evidence.witness import Witness
from server.rollout.guardrails.layout import (
    CLICKS,
    CONSTANT,
    ERRORS,
    EXPECTED,
    HINTED,
    NAN,
    REQUESTS,
    SCORES,
    SETTLED,
    TOP_K,
    TOTAL,
)
from server.rollout.guardrails.sums import Sums
from tests.bundles import NOW_MS
from tests.server.conftest import Served
from tests.server.kept import page_for
from tests.server.rollout.evidence.shadowed import (
    Failing,
    Giving,
    Pairing,
    Raising,
    pairing,
)
from tests.server.rollout.evidence.told import Clock, FakeWatch, event, sums_of

OTHER_SPACE = "0123456789abcdef"


async def test_both_lanes_are_counted_of_each_pair(served: Served, tmp_path: Path) -> None:
    world = await pairing(served, tmp_path)
    await world.answer(0, 1, 2)
    await world.shadow_all(3)
    world.close()
    assert world.pairs() == [3.0, 3.0, 3.0]
    for lane in ("stable", "canary"):
        sums = sums_of(world.witness, lane)
        assert sums.many(SCORES).sum() == 3.0
        assert sums.grouped(HINTED).sum() == pytest.approx(3.0)
        assert not sums.many(TOTAL).any()
    assert 0.0 < float(sums_of(world.witness, "canary").one(TOP_K)) < 3.0


async def test_same_student_agrees_with_itself_to_the_last_place(
    served: Served, tmp_path: Path
) -> None:
    world = await pairing(served, tmp_path, seed=1)
    await world.answer(0, 1)
    await world.shadow_all(2)
    world.close()
    stable, canary = (sums_of(world.witness, lane) for lane in ("stable", "canary"))
    assert float(canary.one(TOP_K)) == 2.0
    np.testing.assert_array_equal(stable.many(SCORES), canary.many(SCORES))


@pytest.mark.parametrize(
    ("odd", "part", "count"),
    [
        ({"ranker": Raising()}, ERRORS, 2.0),
        ({"backend": Failing()}, ERRORS, 2.0),
        ({"backend": Giving(np.nan)}, NAN, 2.0),
        ({"backend": Giving(0.5)}, CONSTANT, 2.0),
    ],
    ids=["raises", "fails", "no number", "constant"],
)
async def test_what_ails_the_candidate_is_counted_of_it_alone(
    served: Served, tmp_path: Path, odd: dict[str, Any], part: Any, count: float
) -> None:
    world = await pairing(served, tmp_path, **odd)
    await world.answer(0, 1)
    await world.run_until(lambda: world.witness.counts().get("shadowed", 0) == 2)
    world.close()
    stable, canary = (sums_of(world.witness, lane) for lane in ("stable", "canary"))
    assert (float(stable.one(part)), float(canary.one(part))) == (0.0, count)
    assert float(stable.one(REQUESTS)) == float(canary.one(REQUESTS)) == 2.0


async def test_requests_share_a_thread_and_what_a_backend_holds_for_one(
    served: Served, tmp_path: Path
) -> None:
    threads = set[threading.Thread]()

    class Threaded(Giving):
        def run(self, arrays: Arrays, until_ns: int, headers: Headers = None) -> Ran:
            threads.add(threading.current_thread())
            return super().run(arrays, until_ns, headers)

    world = await pairing(served, tmp_path, backend=Threaded(0.5))
    await world.answer(0, 1, 2)
    await world.shadow_all(3)
    world.close()
    [thread] = threads
    thread.join(20.0)
    assert not thread.is_alive()


async def test_nothing_begins_while_somebody_is_judged(served: Served, tmp_path: Path) -> None:
    world = await pairing(served, tmp_path)
    await world.answer(0)
    looks = 0

    class Busy:
        @property
        def is_idle(self) -> bool:
            nonlocal looks
            looks += 1
            return looks > 3

        def close(self) -> None: ...

    world.shadow._answering = Answering(world.stable.model, Busy())  # type: ignore[assignment]
    await world.run_until(lambda: looks == 3)
    assert world.seen == 0
    await world.shadow_all(1)
    world.close()


class Answering:
    def __init__(self, model: Any, batcher: Any) -> None:
        self.model, self.batcher = model, batcher


@pytest.mark.parametrize(("share", "least", "most"), [(0.0001, 0, 0), (1.0, 20, 20)])
async def test_a_share_of_answers_is_shadowed(
    served: Served, tmp_path: Path, share: float, least: int, most: int
) -> None:
    world = await pairing(served, tmp_path, shadow_share=share)
    [ranked] = await world.answer(0)
    world.shadow._waiting.clear()
    for number in range(20):
        world.shadow.offer(ranked._replace(now_ms=NOW_MS + number), "")
    assert least <= len(world.shadow._waiting) <= most
    world.close()


async def test_request_whose_cache_was_not_read_is_not_shadowed(
    served: Served, tmp_path: Path
) -> None:
    world = await pairing(served, tmp_path)
    [ranked] = await world.answer(0)
    world.shadow._waiting.clear()
    world.shadow.offer(ranked._replace(cache_reason="timeout"), "")
    assert not world.shadow._waiting
    world.close()


async def test_candidate_of_another_space_reads_that(served: Served, tmp_path: Path) -> None:
    world = await pairing(served, tmp_path, space=OTHER_SPACE)
    await world.answer(0)
    await world.shadow_all(1)
    assert hinted(world) == (1.0, 0.0)
    moved = {key.replace(b"5eed5eed5eed5eed", OTHER_SPACE.encode()): value
             for key, value in page_for("user-0").items()}  # fmt: skip
    # What is computed later was not there to be read.
    await world.answer(0)
    await asyncio.sleep(0)
    await world.store.put_many(moved, None)
    await world.shadow_all(2)
    assert hinted(world) == (2.0, 0.0)
    await world.answer(0)
    await world.shadow_all(3)
    world.close()
    assert hinted(world) == (3.0, 1.0)


async def test_cache_that_cannot_be_read_says_nothing_of_the_candidate(
    served: Served, tmp_path: Path
) -> None:
    world = await pairing(served, tmp_path, space=OTHER_SPACE)
    world.breaker.failed()
    await world.answer(0)
    await world.shadow_all(1)
    world.close()
    assert world.pairs() == [0.0, 0.0, 0.0]
    assert world.witness.counts() == {"unread": 1}


async def test_both_lanes_are_labelled_by_what_the_user_did_with_the_one_answer(
    served: Served, tmp_path: Path
) -> None:
    world = await pairing(served, tmp_path, shadow_s=700.0)
    clock, watch = Clock(), FakeWatch()
    world.witness = Witness(world.witness.state, "click", watch, clock)
    world.shadow._witness = world.witness
    assert world.witness.outcomes is not None
    await world.witness.outcomes.step()
    [ranked] = await world.answer(0)
    await world.run_until(lambda: world.witness.counts().get("shadowed") == 1)
    # One that the candidate has no scores for says nothing of either.
    alone = world.witness.follow(ranked._replace(now_ms=NOW_MS + 9), "")
    assert alone is not None
    alone.scores["stable"] = shown_scores(ranked)
    watch.append(event("click", best_of(ranked), NOW_MS + 1, "user-0"))
    clock.now_s += 700.0
    await world.witness.outcomes.step()
    world.close()
    stable, canary = (sums_of(world.witness, lane) for lane in ("stable", "canary"))
    for sums in (stable, canary):
        assert (total(sums, CLICKS), total(sums, SETTLED)) == (1.0, 1.0)
    ours, theirs = total(stable, EXPECTED), total(canary, EXPECTED)
    assert ours == pytest.approx(float(shown_scores(ranked).sum(dtype=np.float64)))
    assert theirs > 0.0
    assert theirs != ours


def best_of(ranked: Ranked) -> str:
    return ranked.columns.item_ids[int(ranked.order.positions[0])]


def hinted(world: Pairing) -> tuple[float, float]:
    stable, canary = (sums_of(world.witness, lane) for lane in ("stable", "canary"))
    return float(stable.grouped(HINTED).sum()), float(canary.grouped(HINTED).sum())


def total(sums: Sums, column: int) -> float:
    return float(sums.grouped(column).sum())
