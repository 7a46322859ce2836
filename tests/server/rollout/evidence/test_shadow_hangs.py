"""A shadow whose model does not come back."""

from pathlib import Path

import pytest

from server.rollout.evidence import shadow
from server.rollout.evidence.shadow import WAITING
from tests.server.conftest import Served
from tests.server.rollout.evidence.shadowed import Blocked, pairing


async def test_answers_are_given_while_the_shadow_hangs_and_its_queue_is_bounded(
    served: Served, tmp_path: Path
) -> None:
    world = await pairing(served, tmp_path)
    blocked = Blocked(world.candidate.ranker)
    world.close()
    world = await pairing(served, tmp_path, ranker=blocked)
    await world.answer(0)
    await world.run_until(blocked.has_begun.is_set)
    for _ in range(WAITING + 5):
        await world.answer(1)
    assert world.seen == 0
    assert len(world.shadow._waiting) == WAITING
    blocked.may_go_on.set()
    world.close()


async def test_run_that_does_not_come_back_is_said_to_hang_until_it_does(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "WATCH_S", 0.001)
    world = await pairing(served, tmp_path)
    blocked = Blocked(world.candidate.ranker)
    world.close()
    world = await pairing(served, tmp_path, ranker=blocked)
    await world.answer(0, 1)

    def has_hung() -> bool:
        if world.shadow.is_hung:
            assert world.seen == 0
            blocked.may_go_on.set()
        return world.seen == 2

    await world.run_until(has_hung)
    assert blocked.may_go_on.is_set()
    assert not world.shadow.is_hung
    world.close()
