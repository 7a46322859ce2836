"""The examples of docs/data.md, run as they are printed."""

import json
import re
from pathlib import Path

import polars as pl

from models.data.log import HEAD, Head, Log
from models.data.served.mapping import ServedMapping
from models.data.sources import open_source
from tests.models.data.small_logs import START_MS

TEXT = (Path(__file__).parents[3] / "docs" / "data.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_column_mapping_reads_its_tables(tmp_path: Path) -> None:
    printed = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", TEXT, re.DOTALL)
    assert [name for name, _ in printed] == ["clicks.csv", "ads.csv", "mapping.yaml", "served.yaml"]
    for name, content in printed:
        (tmp_path / name).write_text(content)
    log = open_source(f"mapping:{tmp_path / 'mapping.yaml'}")
    assert log.schema.tasks == ("click", "conversion")
    assert log.impressions["timestamp_ms"][0] == START_MS
    assert log.impressions["conversion"].to_list() == [0, -1, 0, 1]
    assert log.impressions["request_id"].n_unique() == 3
    assert log.items.filter(pl.col("item_id") == "a3")["maker"].to_list() == [None]


def test_the_head_and_the_tables_described_make_a_log(tmp_path: Path) -> None:
    (head,) = blocks("json")
    schema = Head.model_validate_json(head).log_schema
    assert json.loads(head)["periods"]["until_ms"] == 1_700_900_000_000
    pl.DataFrame(
        {
            "request_id": ["r1", "r1", "r2"],
            "timestamp_ms": [START_MS, START_MS, START_MS + 5],
            "user_id": ["u1", "u1", "u2"],
            "item_id": ["i1", "i2", "i1"],
            "position": pl.Series([1, 2, 1], dtype=pl.Int16),
            "page": ["home", "home", None],
            "click": pl.Series([1, 0, -1], dtype=pl.Int8),
        }
    ).write_parquet(tmp_path / "impressions.parquet")
    items = pl.DataFrame({"item_id": ["i1", "i2"], "brand": ["acme", None]})
    items.write_parquet(tmp_path / "items.parquet")
    users = pl.DataFrame({"user_id": ["u1", "u2"], "age": [30.0, None]})
    users.write_parquet(tmp_path / "users.parquet")
    (tmp_path / HEAD).write_text(head)
    log = open_source(f"log:{tmp_path}")
    assert log.schema.fingerprint() == schema.fingerprint()
    assert all(column.buckets for column in log.schema.item)
    log.write(tmp_path / "again")
    assert len(Log.read(tmp_path / "again").impressions) == 3


def test_every_source_printed_is_known() -> None:
    sources = re.findall(r"--data (\w+):", TEXT)
    assert {"adworld", "kuairand", "recbole", "mapping", "served", "log"} == set(sources)


def test_the_served_mapping_says_what_it_is_printed_to_say(tmp_path: Path) -> None:
    (printed,) = re.findall(r"<!-- file: served.yaml -->\n```yaml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "served.yaml").write_text(printed)
    mapping = ServedMapping.read(tmp_path / "served.yaml")
    fields = set(ServedMapping.model_fields) - {"periods", "provenance"}
    assert fields <= mapping.model_fields_set
    usual = ServedMapping(requests=mapping.requests, events=mapping.events)
    for name in ("model", "attribution_s", "shown_within_s", "impressions", "unanswered", "days"):
        assert getattr(mapping, name) == getattr(usual, name), f"{name} is printed as the default"
