from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.errors import Corrupt
from cache.migration import Migration, MigrationBoard, Standing

pytestmark = pytest.mark.redis
YEAR_MS = 365 * 86_400_000
COUNTS = "us:migration:{student}:counts"


async def test_untouched_board_reads_as_what_each_gateway_was_started_with(client: Any) -> None:
    held = await MigrationBoard(client, "student").read()
    assert (held.serving, held.coming, held.revision) == ("", "", 0)


async def test_state_comes_back_as_it_was_written(client: Any) -> None:
    board = MigrationBoard(client, "student")
    wanted = Migration(serving="/a", coming="/b", max_gap=0.05, reason="because: it = better")
    assert await board.replace(Migration(), wanted)
    read = await board.read()
    assert read._replace(revision=0, since_ms=0) == wanted
    assert read.revision == 1
    assert read.since_ms > 0


async def test_second_of_two_that_read_the_same_state_changes_nothing(client: Any) -> None:
    board = MigrationBoard(client, "student")
    held = await board.read()
    assert await board.replace(held, Migration(coming="/first"))
    assert not await board.replace(held, Migration(coming="/second"))
    assert (await board.read()).coming == "/first"


async def test_models_do_not_share_a_board(client: Any) -> None:
    await MigrationBoard(client, "one").replace(Migration(), Migration(coming="/b"))
    assert (await MigrationBoard(client, "two").read()).revision == 0


async def test_all_count_into_one_window_and_are_told_the_one_before(client: Any) -> None:
    boards = [MigrationBoard(client, "student") for _ in range(2)]
    await boards[0].replace(Migration(), Migration(coming="/b", window_ms=YEAR_MS))
    held = await boards[0].read()
    window = held.since_ms // YEAR_MS
    before = {
        f"{window - 1}:{name}": count for name, count in Standing(20, 10, 4)._asdict().items()
    }
    await client.hset(COUNTS, mapping=before)
    for board in boards:
        assert await board.count(held, Standing(10, 5, 2)) == Standing(20, 10, 4)
    now = await client.hmget(COUNTS, [f"{window}:{name}" for name in Standing._fields])
    assert Standing(*map(int, now)) == Standing(20, 10, 4)


async def test_counts_of_an_older_state_are_refused_and_forgotten(client: Any) -> None:
    board = MigrationBoard(client, "student")
    await board.replace(Migration(), Migration(coming="/b"))
    held = await board.read()
    await board.count(held, Standing(10, 10, 10))
    await board.replace(held, held.given_up("enough"))
    assert await board.count(held, Standing(10, 10, 10)) is None
    assert not await client.exists(COUNTS)


async def test_garbage_is_named_and_not_guessed_at(client: Any) -> None:
    await client.hset("us:migration:{student}", mapping={"revision": "soon"})
    with pytest.raises(Corrupt, match="migration"):
        await MigrationBoard(client, "student").read()


def test_switch_turns_coming_into_serving_and_keeps_the_way_back() -> None:
    after = Migration(serving="/a", coming="/b", revision=3).switched("filled")
    assert (after.serving, after.coming, after.previous) == ("/b", "", "/a")


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000))
def test_space_is_filled_only_when_no_more_than_the_gap_would_be_lost(
    held: int, ready: int, lost: int
) -> None:
    migration = Migration(max_gap=(lost + 0.5) / 1000, least=1000)
    assert migration.is_filled(Standing(1000, held, ready)) == (held - ready <= lost)


def test_few_candidates_prove_nothing() -> None:
    assert not Migration(least=1000).is_filled(Standing(999, 0, 999))


def test_mark_holds_whatever_is_held() -> None:
    assert not Migration(mark=0.5, least=1).is_filled(Standing(100, 0, 49))
    assert Migration(mark=0.5, least=1).is_filled(Standing(100, 0, 50))
