"""An annotation that was stopped goes on with what was said, and with nothing else."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from models.annotation.errors import AnnotationsInvalid, AnnotationsRefused
from models.annotation.record import BLOCKS
from models.annotation.service import Order
from models.data.log import Log
from tests.models.annotation.two_students import (
    Silenced,
    annotated_quietly,
    by_placement,
    counted_calls,
    files,
    part,
    untrained_run,
    whole_log,
    written,
)


@pytest.fixture(scope="module")
def log() -> Log:
    return whole_log()


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory, log: Log) -> Order:
    folder = tmp_path_factory.mktemp("resumed")
    logs = written(by_placement(log), folder)
    return Order(teacher=untrained_run(folder, log), logs=logs, out=folder / "told")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.annotation.verdicts.STATES", 40)


def stop(order: Order, after: int) -> None:
    with counted_calls(most=after), pytest.raises(Silenced):
        annotated_quietly(order)


@pytest.mark.usefixtures("small_blocks")
def test_annotation_that_was_stopped_equals_one_that_was_not(order: Order, tmp_path: Path) -> None:
    whole, stopped = (replace(order, out=tmp_path / name) for name in ("whole", "stopped"))
    with counted_calls() as once:
        annotated_quietly(whole)
    stop(stopped, after=2)
    stop(stopped, after=1)
    assert len([*(stopped.out / BLOCKS).iterdir()]) == 3
    with counted_calls() as again:
        annotated_quietly(stopped)
    assert once.count > 4
    assert again.count == once.count - 3
    assert files(stopped.out) == files(whole.out)


@pytest.mark.usefixtures("small_blocks")
def test_blocks_of_another_annotation_are_refused(order: Order, log: Log, tmp_path: Path) -> None:
    order = replace(order, out=tmp_path / "out")
    stop(order, after=2)
    feed = by_placement(log)["feed"]
    cut = part(feed, pl.col("timestamp_ms") < feed.periods.test_from_ms)
    shorter = {**order.logs, "feed": written({"feed": cut}, tmp_path)["feed"]}
    other = untrained_run(tmp_path / "other", log, seed=1)
    for asked in (
        replace(order, seed=5),
        replace(order, logs=shorter),
        replace(order, teacher=other, seed=0),
    ):
        with pytest.raises(AnnotationsRefused, match=r"of another annotation.*another --out or re"):
            annotated_quietly(asked)


@pytest.mark.usefixtures("small_blocks")
def test_damaged_block_is_named(order: Order, tmp_path: Path) -> None:
    order = replace(order, out=tmp_path)
    stop(order, after=2)
    block = tmp_path / BLOCKS / "block-000001.safetensors"
    block.write_bytes(block.read_bytes()[:-100])
    with pytest.raises(AnnotationsInvalid, match=r"block-000001.*damaged.*remove it"):
        annotated_quietly(order)


def test_what_is_finished_is_not_said_again_nor_taken_for_another(order: Order) -> None:
    record = annotated_quietly(order)
    before = files(order.out)
    with counted_calls(most=0):
        assert annotated_quietly(order) == record
        with pytest.raises(AnnotationsRefused, match=r"seed 0, not 3: choose another --out"):
            annotated_quietly(replace(order, seed=3))
        renamed = {"feed": order.logs["feed"]}
        with pytest.raises(AnnotationsRefused, match=r"logs\.other '\w+', not None"):
            annotated_quietly(replace(order, logs=renamed))
    assert files(order.out) == before
