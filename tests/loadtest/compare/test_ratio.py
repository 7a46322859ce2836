"""Comparisons of simulated servers, on a machine that wanders and is disturbed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from loadtest.compare.blocks import SIDES, Block, block_of, columns, interleaved
from loadtest.compare.ratio import FEWEST, ratio
from loadtest.compare.report import as_json
from loadtest.run.samples import F64, Samples
from tests.loadtest.run.reports import OK, samples_of

ROUNDS = 40
REQUESTS = 400


class _Machine:
    """Log-normal latencies; what all of a block share is a walk over time and a neighbour who
    comes and goes, which is why blocks are interleaved."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self._mood = 0.0

    def block(self, inference_ms: float) -> Block:
        self._mood = 0.9 * self._mood + 0.05 * self.rng.normal()
        neighbour = 1.5 if self.rng.random() < 0.1 else 1.0
        slow = np.exp(self._mood + 0.03 * self.rng.normal()) * neighbour
        inference = inference_ms * slow * np.exp(0.05 * self.rng.normal(size=REQUESTS))
        spent = inference + 2.0 * slow * np.exp(0.4 * self.rng.normal(size=REQUESTS))
        return block_of(_samples(spent, inference), elapsed_s=4.0 + 0.02 * self.rng.random())


def _samples(spent: F64, inference: F64) -> Samples:
    count = len(spent)
    return replace(
        samples_of(OK),
        due_s=np.arange(count) / 100.0,
        latency_ms=spent,
        status=np.full(count, 200),
        stages_ms={"inference": inference},
    )


async def differs(seed: int, second_ms: float) -> list[str]:
    machine = _Machine(seed)

    def measure(inference_ms: float) -> Callable[[int], object]:
        async def one(number: int) -> Block:
            return machine.block(inference_ms)

        return one

    measures = dict(zip(SIDES, (measure(1.0), measure(second_ms)), strict=True))
    blocks = await interleaved(measures, ROUNDS, seed, lambda: None)  # type: ignore[arg-type]
    told: list[str] = as_json(blocks)["differs"]
    return told


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.compare.blocks.PAUSE_S", 0.0)


async def test_a_build_compared_with_itself_differs_in_one_of_twenty_at_most() -> None:
    found = [bool(await differs(seed, second_ms=1.0)) for seed in range(100)]
    assert sum(found) <= 10  # 5 are expected at most; 11 of 100 have a chance of 1 %


async def test_a_tenth_more_inference_is_told_apart() -> None:
    found = [await differs(seed, second_ms=1.1) for seed in range(40)]
    assert sum("inference p50" in each for each in found) >= 34


def test_the_ratio_is_that_of_the_second_to_the_first() -> None:
    rng = np.random.default_rng(1)
    first = np.exp(rng.normal(size=ROUNDS))
    told = ratio(first, first * 1.25 * np.exp(0.01 * rng.normal(size=ROUNDS)))
    assert told is not None
    assert told.low < 1.25 < told.high
    assert told.value == pytest.approx(1.25, rel=0.02)
    assert told.differs


def test_too_few_blocks_tell_nothing() -> None:
    values = np.ones(FEWEST)
    values[0] = np.nan
    assert ratio(values, np.ones(FEWEST)) is None
    assert ratio(np.ones(FEWEST), np.ones(FEWEST)) == (1.0, 1.0, 1.0, FEWEST)


def test_a_p99_needs_its_answers_in_a_block() -> None:
    few = block_of(_samples(np.ones(300), np.ones(300)), 1.0)
    assert "p99" not in columns([few])
    assert "p50" in columns([few])
