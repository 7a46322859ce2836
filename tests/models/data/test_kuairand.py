import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.data.causal import Replay
from models.data.errors import SourceInvalid
from models.data.kuairand import read_kuairand
from models.data.kuairand_history import EXPOSURES
from models.data.log import Log

REAL = Path("../shared/data/kuairand-pure")
HEADER = (
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,"
    "is_hate,long_view,play_time_ms,duration_ms,profile_stay_time,comment_stay_time,"
    "is_profile_enter,is_rand,tab"
)
OUTCOMES = ("play_time_ms", "is_like", "profile_stay_time", "is_click", "is_hate", "duration_ms")


def beijing_ms(month: int, day: int, hour: int = 0) -> int:
    return int(datetime(2022, month, day, hour, tzinfo=UTC).timestamp() * 1000) - 8 * 3_600_000


def row(user: int, video: int, time_ms: int, click: int, long_view: int, tab: int) -> str:
    return f"{user},{video},0,0,{time_ms},{click},0,0,0,0,0,{long_view},777,888,0,0,0,0,{tab}"


def write_set(folder: Path, gzipped: bool = False) -> None:
    """Eleven days, three users, four videos; the first row is there twice."""
    rows = [row(1, 10, beijing_ms(4, 25, 1), 1, 0, 1)]
    for day in range(11):
        hour = beijing_ms(4, 25, 12) + day * 86_400_000
        rows += [
            row(1 + day % 3, 10 + day % 4, hour, day % 2, 0, 1),
            row(2, 12, hour + 60_000, 0, 1, 0),
        ]
    log = "\n".join([HEADER, rows[0], *rows]) + "\n"
    users = "user_id,user_active_degree,is_live_streamer,is_video_author,follow_user_num,"
    users += "fans_user_num,friend_user_num,register_days,"
    users += ",".join(f"onehot_feat{n}" for n in range(18)) + "\n"
    users += f"1,full_active,0,1,5,6,7,800,{','.join('1' * 18)}\n"
    videos = "video_id,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,"
    videos += "server_width,server_height,music_id,music_type,tag\n"
    videos += "".join(
        f"{video},{video * 7},NORMAL,2022-04-{video + 10},Import,0.0,9000.0,720.0,1280.0,5,9.0,3\n"
        for video in (10, 11, 13, 14)
    )
    texts = {
        "log_standard_4_25_to_5_05_pure": log,
        "user_features_pure": users,
        "video_features_basic_pure": videos,
    }
    for name, text in texts.items():
        if gzipped:
            (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / f"{name}.csv").write_text(text)


def write_exposures(folder: Path) -> None:
    pl.DataFrame(
        {
            "user_id": [1, 1, 3],
            "position": [0, 1, 0],
            "video_id": [11, 10, 10],
            "long_view": [1, 0, 1],
        },
        schema_overrides={"user_id": pl.Int32, "position": pl.Int16, "long_view": pl.Int8},
    ).write_parquet(folder / EXPOSURES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_set(tmp_path)
    return tmp_path


def test_repeats_are_dropped(folder: Path) -> None:
    assert len(read_kuairand(folder).validate().impressions) == 23


def test_plain_and_gzipped_files_read_alike(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    packed = tmp_path_factory.mktemp("packed")
    write_set(packed, gzipped=True)
    one, other = read_kuairand(folder), read_kuairand(packed)
    assert one.impressions.equals(other.impressions)
    assert one.schema == other.schema


def test_outcomes_of_a_row_are_labels_or_nothing(folder: Path) -> None:
    log = read_kuairand(folder)
    columns = {column.name for column in (*log.schema.user, *log.schema.item, *log.schema.context)}
    assert not columns & set(OUTCOMES)
    assert log.schema.tasks == ("click", "long_view")
    assert [column.name for column in log.schema.context] == ["tab"]


def test_earlier_exposures_are_history_without_clicks(folder: Path) -> None:
    write_exposures(folder)
    log = read_kuairand(folder).validate()
    earlier = log.impressions.filter(pl.col("timestamp_ms") < beijing_ms(4, 25))
    assert len(earlier) == 3
    assert (earlier["click"] == -1).all()
    assert earlier["tab"].null_count() == 3
    first_user = earlier.filter(pl.col("user_id") == "1")
    assert first_user["item_id"].to_list() == ["11", "10"]
    assert log.periods.history_from_ms < log.periods.teacher_from_ms == beijing_ms(4, 20)


def test_periods_are_the_published_split_in_beijing_days(folder: Path) -> None:
    periods = read_kuairand(folder).periods
    assert periods.student_from_ms == beijing_ms(4, 29)
    assert periods.validation_from_ms == beijing_ms(5, 2)
    assert periods.test_from_ms == beijing_ms(5, 4)


def test_users_and_videos_without_features_have_missing_values(folder: Path) -> None:
    log = read_kuairand(folder)
    assert log.users.filter(pl.col("user_id") == "2")["user_active_degree"].to_list() == [None]
    assert log.items.filter(pl.col("item_id") == "12")["tag"].to_list() == [None]
    assert log.items["live_from_ms"].null_count() == 0


def test_lists_are_built_for_held_out_requests_from_items_live_by_then(folder: Path) -> None:
    log = read_kuairand(folder).validate()
    assert log.requests is not None
    held_out = log.impressions.filter(pl.col("timestamp_ms") >= log.periods.validation_from_ms)
    assert log.requests["request_id"].to_list() == held_out["request_id"].to_list()
    live_from = dict(log.items.select("item_id", "live_from_ms").iter_rows())
    pairs = log.requests.join(held_out, on="request_id").iter_rows(named=True)
    for pair in pairs:
        assert all(live_from[item] <= pair["timestamp_ms"] for item in pair["candidates"])


def test_provenance_names_source_licence_and_what_is_invented(folder: Path) -> None:
    provenance = read_kuairand(folder).provenance
    assert "CC BY-SA 4.0" in provenance
    assert "invented" in provenance


def test_the_seed_decides_the_invented_lists_only(folder: Path) -> None:
    one, again, other = (read_kuairand(folder, seed) for seed in (0, 0, 1))
    assert one.requests is not None
    assert again.requests is not None
    assert one.requests.equals(again.requests)
    assert one.impressions.equals(other.impressions)


@pytest.mark.parametrize("pattern", ["log_standard_", "user_features_", "video_features_basic_"])
def test_a_missing_file_is_named(folder: Path, pattern: str) -> None:
    next(folder.glob(f"{pattern}*")).unlink()
    with pytest.raises(SourceInvalid, match=pattern):
        read_kuairand(folder)


def test_a_missing_column_is_named(folder: Path) -> None:
    path = next(folder.glob("log_standard_*"))
    path.write_text(path.read_text().replace("long_view", "short_view"))
    with pytest.raises(SourceInvalid, match="long_view"):
        read_kuairand(folder)


def test_a_label_that_is_no_number_is_named(folder: Path) -> None:
    path = next(folder.glob("log_standard_*"))
    path.write_text(
        path.read_text() + row(3, 13, beijing_ms(5, 5), 1, 0, 1).replace(",1,0,", ",?,0,", 1)
    )
    with pytest.raises(SourceInvalid, match="click is missing or no number in 1 rows"):
        read_kuairand(folder)


@pytest.fixture(scope="module")
def real() -> Log:
    if not REAL.exists():
        pytest.skip(f"KuaiRand is not at {REAL}: put its files there to run this test")
    return read_kuairand(REAL)


@pytest.mark.data
def test_the_real_log_has_the_rows_and_rates_of_its_description(real: Log) -> None:
    log = real.validate()
    rows = log.impressions.filter(pl.col("tab").is_not_null())
    assert len(rows) == 180_022
    assert len(log.impressions) - len(rows) == 817_187
    assert 0.42 < float(rows["click"].to_numpy().mean()) < 0.46
    assert float(rows["long_view"].to_numpy().mean()) == pytest.approx(0.31, abs=0.01)
    by_tab = dict(rows.group_by("tab").agg(pl.col("click").mean()).iter_rows())
    assert by_tab["0"] == pytest.approx(0.09, abs=0.02)
    assert by_tab["1"] == pytest.approx(0.49, abs=0.02)


@pytest.mark.data
@pytest.mark.slow
def test_half_of_the_real_rows_have_fifty_past_exposures(real: Log) -> None:
    replay = Replay.of(real)
    rows = np.flatnonzero(replay.time_ms >= beijing_ms(4, 25))
    span = replay.users.before(replay.user[rows], replay.time_ms[rows])
    assert 0.4 < float((span.end - span.start >= 50).mean()) < 0.6
