"""The three judgements: whose inputs they are made from, and what is passed over."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.keys import record_key
from cache.record import decode
from cache.refresh.worth_inputs import before, rebased
from cache.refresh.worth_judge import Judge, Judged, NotItsTeacher, Passed
from models.features.counters import Prior, write_rates
from models.features.live_catalogue import LiveCatalogue
from models.runtime import load
from tests.bundles import NOW_MS, linear_student, linear_teacher, tiny_catalogue
from tests.cache.refresh.reweighted import copying
from tests.cache.refresh.worth_world import World, make_world


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("worth")
    tiny_catalogue().save(folder / "catalogue.safetensors")
    return copying(folder, linear_student(folder)), linear_teacher(folder)


@pytest.fixture
async def world(bundles: tuple[Path, Path]) -> World:
    return await make_world(*bundles, users=4)


@pytest.mark.parametrize("events", [0, 3, 4, 10, 40])
async def test_teacher_says_of_a_served_request_what_it_told_the_cache(
    bundles: tuple[Path, Path], events: int
) -> None:
    """The copying student repeats the hint: so the two agree where a hint was read. The teacher
    reads 16 events of history and the student 4."""
    world = await make_world(*bundles, users=3, events=events)
    for number, request in enumerate(await world.served(3)):
        [value] = await world.store.get_many([record_key(f"user-{number}")])
        assert value is not None
        judged = world.judge.judge(request, decode(value))
        assert isinstance(judged, Judged)
        hinted = judged.tier == 4
        assert hinted.sum() == 6
        np.testing.assert_allclose(
            judged.teacher[hinted], judged.with_hints[hinted], atol=2e-6, rtol=1e-5
        )


async def test_masked_student_knows_nothing_of_the_teacher(world: World) -> None:
    for request in await world.served(2):
        judged = world.judge.judge(request, None)
        assert isinstance(judged, Judged)
        assert len(set(judged.masked.tolist())) == 1
        assert len(set(judged.with_hints.tolist())) > 6


async def test_only_what_was_returned_is_judged(world: World) -> None:
    [request, *_] = await world.served(1, top_k=5)
    judged = world.judge.judge(request, None)
    assert isinstance(judged, Judged)
    assert len(judged.item_ids) == len(judged.teacher) == 5
    slate = [item for at, item in zip(request.position, request.item_ids, strict=True) if at >= 0]
    assert judged.item_ids == slate


async def test_other_version_and_failed_model_are_passed_over(world: World) -> None:
    [request, *_] = await world.served(1)
    replace = msgspec.structs.replace
    assert world.judge.judge(replace(request, version="v0"), None) == Passed.OTHER_VERSION
    assert world.judge.judge(replace(request, logit=None), None) == Passed.NO_LOGIT
    unseen = np.full(len(request.item_ids), -1)
    assert world.judge.judge(replace(request, position=unseen), None) == Passed.NONE_RETURNED


async def test_history_that_is_gone_is_not_replaced_by_a_shorter_one(
    bundles: tuple[Path, Path],
) -> None:
    world = await make_world(*bundles, users=1, events=10)
    [request] = await world.served(1)
    assert world.judge.wants_record(request)
    assert world.judge.judge(request, None) == Passed.NO_HISTORY
    short = await make_world(*bundles, users=1, events=3)
    [request] = await short.served(1)
    assert not short.judge.wants_record(request)


async def test_record_is_read_as_of_the_request(world: World) -> None:
    [value] = await world.store.get_many([record_key("user-0")])
    assert value is not None
    held = decode(value)
    later = held._replace(times_ms=held.times_ms + 1000)
    assert before(held, NOW_MS).times_ms.tolist() == held.times_ms.tolist()
    assert before(later, NOW_MS).times_ms.tolist() == later.times_ms.tolist()[:-1]


def test_pair_must_share_a_space_and_a_task(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    student, teacher = load(bundles[0]), load(bundles[1])
    items = LiveCatalogue(teacher.manifest.features, tiny_catalogue())
    with pytest.raises(NotItsTeacher, match="reads the space"):
        Judge(student, load(linear_teacher(tmp_path, space="0" * 16)), items)
    with pytest.raises(NotItsTeacher, match="'buy' is none of click, conversion"):
        Judge(student, teacher, items, "buy")


RATES = st.floats(1e-3, 0.5)


@given(
    st.floats(0, 1e4), st.floats(0, 1.0), st.floats(0, 3.0), st.tuples(RATES, RATES),
    st.tuples(RATES, RATES),
)  # fmt: skip
def test_rebased_rates_are_those_above_the_other_base(
    shown: float, share: float, beyond: float, one: tuple[float, float], other: tuple[float, float]
) -> None:
    """Also where positives are known without their impressions."""
    counts = np.array([[shown, shown * share, shown + beyond]])
    at_ms = np.array([NOW_MS])
    held, wanted = Prior.of(one), Prior.of(other)
    values, expected = np.empty((1, 4), np.float32), np.empty((1, 3), np.float32)
    values[:, 0] = 7.0
    write_rates(values[:, 1:], counts, at_ms, at_ms.copy(), held, 1e9)
    write_rates(expected, counts, at_ms, at_ms.copy(), wanted, 1e9)
    got = rebased(values, held, wanted)
    assert got[0, 0] == 7.0
    np.testing.assert_allclose(got[:, 1:], expected, atol=2e-3)
