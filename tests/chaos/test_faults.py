"""Every fault of the cache in random order, under load, against one gateway process."""

import random
import time
from pathlib import Path

import pytest

from tests.faults.episode import say
from tests.faults.stage import Stage, staged
from tests.faults.switches import CASES
from tests.faults.verdict import endured, is_clear

pytestmark = [pytest.mark.redis, pytest.mark.chaos]

MAX_GROWTH_MB = 64.0


def endure_all(stage: Stage, seconds: float) -> None:
    """Each once before any comes again."""
    until_s, order = time.monotonic() + seconds, random.Random(seconds)
    while time.monotonic() < until_s:
        for case in order.sample(CASES, len(CASES)):
            assert is_clear(endured(stage, case), case)


def test_gateway_lives_through_every_fault_in_any_order(
    tmp_path: Path, chaos_seconds: float
) -> None:
    with staged(tmp_path) as stage:
        began_mb = stage.gateway.memory_mb()
        endure_all(stage, chaos_seconds)
        grew_mb = stage.gateway.memory_mb() - began_mb
        say(f"memory {began_mb:.0f} MB and {grew_mb:+.1f} MB\n")
        assert grew_mb < MAX_GROWTH_MB
