from pathlib import Path

import polars as pl
import pytest

from models.data.atomic import read_atomic
from models.data.causal import Replay
from models.data.errors import SourceInvalid

MOVIELENS = Path("build/data/ml-100k")
INTERACTIONS = """user_id:token\titem_id:token\trating:float\ttimestamp:float
a\tx\t4\t1000.5
b\tx\t3\t1001
a\ty\t5\t1002
b\ty\t2\t1010
a\tz\t3.5\t1020
"""
ITEMS = """genres:token_seq\titem_id:token\tprice:float\tvector:float_seq
drama war\tx\t1.5\t0.1 0.2
comedy\ty\t\t0.3 0.4
comedy\tunseen\t2\t0.5 0.6
"""


def write_set(folder: Path, interactions: str = INTERACTIONS) -> Path:
    (folder / "tiny.inter").write_text(interactions)
    (folder / "tiny.item").write_text(ITEMS)
    return folder


def test_four_and_more_is_a_positive(tmp_path: Path) -> None:
    log = read_atomic(write_set(tmp_path)).validate()
    assert log.impressions["user_id"].to_list() == ["a", "b", "a", "b", "a"]
    assert log.impressions["click"].to_list() == [1, 0, 1, 0, 0]
    assert log.impressions["timestamp_ms"][0] == 1_000_500


def test_every_interaction_is_a_positive_without_ratings(tmp_path: Path) -> None:
    text = "\n".join(
        "\t".join(line.split("\t")[:2] + line.split("\t")[3:]) for line in INTERACTIONS.splitlines()
    )
    log = read_atomic(write_set(tmp_path, text)).validate()
    assert log.impressions["click"].to_list() == [1] * 5


def test_types_decide_what_a_column_is(tmp_path: Path) -> None:
    log = read_atomic(write_set(tmp_path))
    kinds = {column.name: column.kind for column in log.schema.item}
    assert kinds == {"item_id": "categorical", "genres": "categorical", "price": "number"}
    assert log.schema.item[0].name == "item_id"
    first = log.items.filter(pl.col("item_id") == "x").row(0, named=True)
    assert first == {"item_id": "x", "genres": "drama war", "price": 1.5}


def test_items_without_a_row_and_users_without_a_file_are_there(tmp_path: Path) -> None:
    log = read_atomic(write_set(tmp_path))
    assert log.items["item_id"].to_list() == ["unseen", "x", "y", "z"]
    assert log.items.filter(pl.col("item_id") == "z")["genres"].to_list() == [None]
    assert log.users.columns == ["user_id"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (INTERACTIONS.replace("user_id:token", "user_id"), "is not field:type"),
        (INTERACTIONS.replace("rating:float", "rating:number"), "is not field:type"),
        (INTERACTIONS.replace("timestamp:float", "when:float"), "no field 'timestamp'"),
        (INTERACTIONS.replace("1000.5", "soon"), "'timestamp' is no number in 1 of 5 rows"),
        (INTERACTIONS.split("\n")[0] + "\n", "no number in 0 of 0 rows"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(SourceInvalid, match=fault):
        read_atomic(write_set(tmp_path, text))


def test_two_data_sets_in_one_folder_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path)
    (tmp_path / "other.inter").write_text(INTERACTIONS)
    with pytest.raises(SourceInvalid, match="2 files"):
        read_atomic(tmp_path)


@pytest.mark.data
def test_movielens_reads_as_described() -> None:
    if not MOVIELENS.exists():
        pytest.skip(f"MovieLens 100K is not at {MOVIELENS}: `make data` fetches it")
    log = read_atomic(MOVIELENS).validate()
    assert len(log.impressions) == 100_000
    assert len(log.users) == 943
    assert len(log.items) == 1_682
    assert float(log.impressions["click"].to_numpy().mean()) == pytest.approx(0.554, abs=0.001)
    assert len(Replay.of(log).item) == 100_000
