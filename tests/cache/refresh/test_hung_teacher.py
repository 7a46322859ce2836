"""A teacher that does not come back: its worker gives the shards to whoever is well."""

import asyncio

import pytest

from cache.errors import TeacherHung
from cache.refresh.teacher_thread import Patience
from tests.cache.refresh.asked import make_demand
from tests.cache.refresh.blocking import Blocking, blocking
from tests.cache.refresh.live_space import Hired, LiveSpace
from tests.cache.refresh.outcomes import outcomes
from tests.cache.refresh.speculation.foreseeing import Foreseeing, made
from tests.cache.refresh.speculation.recurring import Recurring

__all__ = ["blocking"]

pytestmark = pytest.mark.redis

SHORT = Patience(looks=3, first_looks=3, look_s=0.0)


async def test_shards_of_a_worker_whose_teacher_hangs_are_free_at_once(
    space: LiveSpace, blocking: Blocking
) -> None:
    worker = Hired(space, teacher=blocking, patience=SHORT)
    await space.ask(make_demand("a"), make_demand("b"))
    with pytest.raises(TeacherHung, match="has not come back"):
        await worker.loop.run(asyncio.Event())
    heir = Hired(space, b"heir")
    await heir.works()
    assert len(heir.own.leases()) == space.shards
    assert await outcomes(space) == {"demanded": 10, "computed": 10, "recomputed": 10}
    assert await space.waiting() == 0


async def test_message_over_which_every_teacher_hangs_is_dead_in_the_end(
    space: LiveSpace, blocking: Blocking
) -> None:
    await space.ask(make_demand("a"))
    for number in range(5):
        worker = Hired(space, b"%d" % number, blocking, patience=SHORT)
        with pytest.raises(TeacherHung):
            await worker.loop.run(asyncio.Event())
    await Hired(space, b"heir", blocking, patience=SHORT).works()
    assert await outcomes(space) == {"demanded": 5, "dead": 5}


@pytest.mark.usefixtures("ten_users")
async def test_teacher_that_hangs_over_what_nobody_asked_for_is_hung_too(
    space: LiveSpace, blocking: Blocking
) -> None:
    worker = Foreseeing(space, Recurring(), teacher=blocking, patience=SHORT)
    await space.ask(made("user-1", range(6), hits=6))
    await worker.works()
    with pytest.raises(TeacherHung):
        await worker.idles(1.0)
