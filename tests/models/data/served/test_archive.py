"""What `understudy archive` writes is what is read."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from cache.refresh.archive import Archive
from cache.refresh.archive_folder import ArchiveFolder
from cache.refresh.archive_table import Delivered
from cache.refresh.tally import Tally
from models.data.errors import SourceInvalid
from models.data.served.archive import Answers, Past
from models.data.tables import Columns
from tests.cache.served_requests import make_served

NOON_MS = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp() * 1000)
DAY_MS = 86_400_000
NOW_MS = NOON_MS + DAY_MS
CONTEXT: Columns = {"placement": "categorical", "slot_width": "number", "other": "categorical"}


async def archived(folder: Path, *delivered: Delivered) -> None:
    await Archive(ArchiveFolder.open(str(folder)), Tally("archive")).process(delivered)


def delivered(number: int, at_ms: int, version: str = "v1", **changed: object) -> Delivered:
    made = make_served(
        5, seed=number, request_id=f"r-{number}", timestamp_ms=at_ms, version=version
    )
    return Delivered(b"%d-%d" % (at_ms, number), msgspec.structs.replace(made, **changed))


async def test_answers_of_all_versions_come_back_in_order_of_time(tmp_path: Path) -> None:
    two, one = delivered(2, NOON_MS + 5, "v2", tasks=["click", "other"]), delivered(1, NOON_MS)
    await archived(tmp_path, two, one)
    answers = Answers.read(tmp_path, "student", Past(NOW_MS, DAY_MS), CONTEXT)
    assert answers.asked["request_id"].to_list() == ["r-1", "r-2"]
    assert answers.asked["candidates"].to_list() == [one.served.item_ids, two.served.item_ids]
    first = answers.asked.row(0, named=True)
    assert (first["placement"], first["slot_width"], first["other"]) == ("feed", 320.0, None)
    slate = dict(answers.returned.select("item_id", "position").head(5).rows())
    assert slate == {
        item: place + 1
        for item, place in zip(one.served.item_ids, one.served.position, strict=True)
    }
    assert answers.newest_ms == NOON_MS + 5


async def test_what_was_not_returned_is_a_candidate_and_not_shown(tmp_path: Path) -> None:
    made = make_served(3, bare=True, timestamp_ms=NOON_MS)
    await archived(tmp_path, Delivered(b"1-0", made))
    answers = Answers.read(tmp_path, "student", Past(NOW_MS, DAY_MS), {})
    assert len(answers.asked["candidates"][0]) == 3
    assert answers.returned["position"].sort().to_list() == [1, 2]


async def test_answers_of_another_model_or_of_older_days_are_left_out(tmp_path: Path) -> None:
    await archived(
        tmp_path,
        delivered(1, NOON_MS - 2 * DAY_MS),
        delivered(2, NOON_MS),
        delivered(3, NOON_MS, model="other"),
    )
    answers = Answers.read(tmp_path, "student", Past(NOW_MS, DAY_MS), {})
    assert answers.asked["request_id"].to_list() == ["r-2"]
    assert len(Answers.read(tmp_path, "student", Past(NOW_MS, 3 * DAY_MS), {}).asked) == 2
    with pytest.raises(SourceInvalid, match="no answer of that model"):
        _ = Answers.read(tmp_path, "nobody", Past(NOW_MS, DAY_MS), {}).newest_ms


async def test_they_reach_as_far_back_as_what_ends_first(tmp_path: Path) -> None:
    """The others' end, or that of the model's own answers where another is archived for longer."""
    days = [delivered(day, NOON_MS - day * DAY_MS) for day in range(6)]
    await archived(tmp_path, *days, delivered(9, NOON_MS + 5 * DAY_MS, model="other"))
    for until_ms, expected in ((NOON_MS - 2 * DAY_MS, 5), (NOW_MS, 3)):
        answers = Answers.read(tmp_path, "student", Past(until_ms, 2 * DAY_MS), {})
        assert len(answers.asked) == expected
        assert answers.newest_ms == NOON_MS


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    asyncio.run(archived(tmp_path, delivered(1, NOON_MS)))
    (part,) = tmp_path.rglob("*.parquet")
    part.write_bytes(b"PAR1")
    with pytest.raises(SourceInvalid, match=f"{part.name} holds no served requests"):
        Answers.read(tmp_path, "student", Past(NOW_MS, DAY_MS), {})
