import re
from pathlib import Path

import polars as pl
import pytest

from models.data.errors import LogInvalid, MappingInvalid
from models.data.mapping import read_mapping

CLICKS = """who,ad,at,req,slot,clicked,bought,page
7,a1,1700000000,q1,1,1,0,home
7,a2,1700000000,q1,2,0,,home
8,a1,1700086400,q2,1,0,0,
9,a3,1700172800,q3,1,1,1,search
"""
ADS = "ad,brand,cents\na1,acme,100\na2,,250\n"
MAPPING = """
impressions:
  file: clicks.csv
  timestamp: at
  unit: s
  user_id: who
  item_id: ad
  request_id: req
  position: slot
  labels: {click: clicked, order: bought}
  context: {page: categorical}
items:
  file: ads.csv
  id: ad
  columns: {brand: categorical, cents: number}
"""


def write_set(folder: Path, mapping: str = MAPPING, clicks: str = CLICKS) -> Path:
    (folder / "clicks.csv").write_text(clicks)
    (folder / "ads.csv").write_text(ADS)
    (folder / "mapping.yaml").write_text(mapping)
    return folder / "mapping.yaml"


def test_columns_become_a_log(tmp_path: Path) -> None:
    log = read_mapping(write_set(tmp_path)).validate()
    assert log.schema.tasks == ("click", "order")
    assert log.impressions["user_id"].to_list() == ["7", "7", "8", "9"]
    assert log.impressions["order"].to_list() == [0, -1, 0, 1]
    assert log.impressions["position"].to_list() == [1, 2, 1, 1]
    assert log.impressions["page"].to_list() == ["home", "home", None, "search"]
    assert log.items["brand"].to_list() == ["acme", None, None]
    assert [column.name for column in log.schema.item] == ["item_id", "brand", "cents"]


def test_parquet_reads_like_csv(tmp_path: Path) -> None:
    path = write_set(tmp_path)
    from_csv = read_mapping(path)
    pl.read_csv(tmp_path / "clicks.csv").write_parquet(tmp_path / "clicks.parquet")
    path.write_text(MAPPING.replace("clicks.csv", "clicks.parquet"))
    assert read_mapping(path).impressions.equals(from_csv.impressions)


def test_rows_of_one_user_and_time_are_one_request_without_ids(tmp_path: Path) -> None:
    log = read_mapping(write_set(tmp_path, MAPPING.replace("  request_id: req\n", ""))).validate()
    assert log.impressions["request_id"].rle_id().to_list() == [0, 0, 1, 2]


def test_rows_in_any_order_are_sorted(tmp_path: Path) -> None:
    header, *rows = CLICKS.strip().split("\n")
    backwards = "\n".join([header, *rows[::-1]])
    one = read_mapping(write_set(tmp_path)).validate()
    other = read_mapping(write_set(tmp_path, clicks=backwards)).validate()
    assert one.impressions.equals(other.impressions)


@pytest.mark.parametrize("text", ["2023-11-14T22:13:20Z", "2023-11-15T00:13:20+02:00"])
def test_iso_times_are_read_with_their_zone(tmp_path: Path, text: str) -> None:
    clicks = CLICKS.replace("1700000000", text).replace("1700086400", "2023-11-15T22:13:20Z")
    clicks = clicks.replace("1700172800", "2023-11-16T22:13:20Z")
    log = read_mapping(write_set(tmp_path, MAPPING.replace("unit: s", "unit: iso"), clicks))
    assert log.impressions["timestamp_ms"][0] == 1_700_000_000_000


def test_ids_keep_their_leading_zeros(tmp_path: Path) -> None:
    log = read_mapping(write_set(tmp_path, clicks=CLICKS.replace("\n7,", "\n007,")))
    assert log.impressions["user_id"].to_list() == ["007", "007", "8", "9"]


def test_labels_may_be_true_and_false(tmp_path: Path) -> None:
    words = CLICKS.replace(",1,0,home", ",True,false,home").replace(",1,1,search", ",true,1,search")
    log = read_mapping(write_set(tmp_path, clicks=words))
    assert log.impressions["click"].to_list() == [1, 0, 0, 1]
    assert log.impressions["order"].to_list() == [0, -1, 0, 1]


def test_periods_may_be_given(tmp_path: Path) -> None:
    names = ("history", "teacher", "student", "validation", "test")
    given = {f"{name}_from_ms": 1_700_000_000_000 + n for n, name in enumerate(names)}
    given["until_ms"] = 1_800_000_000_000
    lines = "".join(f"  {name}: {value}\n" for name, value in given.items())
    log = read_mapping(write_set(tmp_path, f"{MAPPING}periods:\n{lines}"))
    assert log.periods.model_dump() == given


REFUSED = [
    (("user_id: who", "user_id: whom"), "no column 'whom'; it has ['who',"),
    (("brand: categorical", "brand: words"), "is not a column mapping"),
    (("clicks.csv", "nowhere.csv"), "nowhere.csv is not a readable CSV or Parquet table"),
    (("click: clicked", "click: page"), "column 'page': label 'home' is not 0, 1"),
    (("timestamp: at", "timestamp: page"), "column 'page': 'home' is no time in 's'"),
    (("impressions:", "impression:"), "is not a column mapping"),
    (("  file: clicks.csv", "  file: [clicks.csv"), "is not a column mapping"),
    (("columns: {brand", "columns: {maker"), "no column 'maker'"),
    (("labels: {click: clicked, order: bought}", "labels: {}"), "is not a column mapping"),
]


@pytest.mark.parametrize(("change", "fault"), REFUSED, ids=[fault for _, fault in REFUSED])
def test_a_mapping_that_does_not_fit_is_refused(
    tmp_path: Path, change: tuple[str, str], fault: str
) -> None:
    with pytest.raises(MappingInvalid, match=re.escape(fault)):
        read_mapping(write_set(tmp_path, MAPPING.replace(*change)))


def test_a_repeated_item_is_named(tmp_path: Path) -> None:
    path = write_set(tmp_path)
    (tmp_path / "ads.csv").write_text(ADS + "a1,other,5\n")
    with pytest.raises(MappingInvalid, match="'a1' is there twice"):
        read_mapping(path)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingInvalid, match="has no rows"):
        read_mapping(write_set(tmp_path, clicks=CLICKS.split("\n")[0] + "\n"))


def test_milliseconds_taken_for_seconds_are_noticed(tmp_path: Path) -> None:
    """Four rows within four milliseconds: nobody's log."""
    clicks = CLICKS
    for n, second in enumerate(("1700000000", "1700086400", "1700172800")):
        clicks = clicks.replace(second, str(1_700_000_000 + n))
    with pytest.raises(LogInvalid, match="check the unit"):
        read_mapping(write_set(tmp_path, MAPPING.replace("unit: s", "unit: ms"), clicks))
