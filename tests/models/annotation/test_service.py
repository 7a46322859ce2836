"""One teacher's word on the logs of two students: that of the whole, each example once."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
import torch
from rich.progress import Progress

from models.annotation.annotations import Annotations, load_annotations
from models.annotation.errors import AnnotationsRefused, LogsUnlike
from models.annotation.record import BLOCKS, RECORD, AnnotationRecord
from models.annotation.service import Order
from models.annotation.verdicts import Blocks
from models.checkpoint import load_teacher
from models.data.causal import Replay
from models.data.log import Log
from models.features.records import I64
from models.replay.sequence import sequence_at
from models.run_folder import RunFolderInvalid, RunRecord
from models.schema import TIERS
from models.train import annotated
from models.training.errors import CheckpointInvalid, PlacementRefused
from models.training.placement import Placement
from tests.models.annotation.two_students import (
    annotated_quietly,
    by_placement,
    files,
    part,
    untrained_run,
    whole_log,
    written,
)

FILLED = ("pair.z", "pair.logit", "pair.age_s", "user.z", "item.z", "held", "sequence.z")
FEED = pl.col("placement") == "feed"


class Told(NamedTuple):
    order: Order
    record: AnnotationRecord
    log: Log


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder, log = tmp_path_factory.mktemp("service"), whole_log()
    order = Order(
        teacher=untrained_run(folder, log),
        logs=written(by_placement(log), folder),
        out=folder / "told",
    )
    return Told(order, annotated_quietly(order), log)


@pytest.fixture(scope="module")
def alone(told: Told) -> Annotations:
    """What a run says of the whole log for itself."""
    teacher, config = load_teacher(told.order.teacher, "teacher")
    with Progress(disable=True) as progress:
        return annotated(teacher, config, Replay.of(told.log), 0, progress)


def notes_of(order: Order, name: str) -> Annotations:
    return load_annotations(order.out / name)


def rows_of(log: Log, name: str) -> I64:
    is_feed = log.impressions.select(FEED).to_series().to_numpy()
    return np.flatnonzero(is_feed if name == "feed" else ~is_feed)


def columns(notes: Annotations) -> dict[str, Any]:
    """By impression."""
    hints = {
        f"{tier}.{field}": column
        for tier in ("pair", "neighbour", "user", "item")
        for field, column in getattr(notes, tier)._asdict().items()
    }
    return hints | {"held": notes.held, "sequence.z": notes.sequence.z}


@pytest.mark.parametrize("name", ["feed", "other"])
def test_each_student_gets_its_part_of_what_is_said_of_the_whole(
    told: Told, alone: Annotations, name: str
) -> None:
    rows = rows_of(told.log, name)
    whole = columns(alone)
    for field, column in columns(notes_of(told.order, name)).items():
        np.testing.assert_array_equal(column, whole[field][rows], err_msg=field)
        assert column.any() or field not in FILLED, field


@pytest.mark.parametrize("name", ["feed", "other"])
def test_a_sequence_is_of_the_students_own_impressions(
    told: Told, alone: Annotations, name: str
) -> None:
    whole, own = Replay.of(told.log), Replay.of(Log.read(told.order.logs[name]))
    rows, sequence = rows_of(told.log, name), notes_of(told.order, name).sequence
    asked_by = np.repeat(np.arange(len(whole.user)), np.diff(whole.offsets))
    lengths = []
    for request in range(len(own.user)):
        read = own.users.order[sequence.start[request] : sequence.end[request]]
        of_whole = asked_by[rows[own.offsets[request]]]
        window = slice(alone.sequence.start[of_whole], alone.sequence.end[of_whole])
        said = whole.users.order[window]
        np.testing.assert_array_equal(np.sort(rows[read]), np.sort(said[np.isin(said, rows)]))
        lengths.append((len(read), len(said)))
    assert max(read for read, _ in lengths) > 0
    assert any(read < said for read, said in lengths)


def test_record_counts_what_was_annotated(told: Told) -> None:
    record = AnnotationRecord.read(told.order.out)
    assert record == told.record
    later = told.log.impressions.filter(pl.col("timestamp_ms") >= told.log.periods.student_from_ms)
    assert {name: log.examples for name, log in record.logs.items()} == {
        "feed": len(later.filter(FEED)),
        "other": len(later.filter(~FEED)),
    }
    assert record.examples == record.unique == len(later)
    assert record.pairs >= record.unique
    assert record.space == RunRecord.read(told.order.teacher, ("teacher",)).space
    assert not (told.order.out / BLOCKS).exists()


def test_no_row_of_the_teachers_own_window_is_annotated(told: Told) -> None:
    for name, folder in told.order.logs.items():
        times = Log.read(folder).impressions["timestamp_ms"].to_numpy()
        is_said = notes_of(told.order, name).pair.tier == TIERS.index("pair")
        np.testing.assert_array_equal(is_said, times >= told.log.periods.student_from_ms)


def test_what_both_students_logged_is_judged_once(
    told: Told, alone: Annotations, tmp_path: Path
) -> None:
    logs = written({"all": told.log, "feed": by_placement(told.log)["feed"]}, tmp_path)
    order = replace(told.order, logs=logs, out=tmp_path / "out")
    record = annotated_quietly(order)
    assert record.examples > record.unique == told.record.unique
    assert record.pairs == told.record.pairs
    whole = columns(alone)
    for field, column in columns(notes_of(order, "all")).items():
        np.testing.assert_array_equal(column, whole[field], err_msg=field)
    assert notes_of(order, "feed").pair.z.shape[0] == len(rows_of(told.log, "feed"))


def test_words_in_another_order_are_the_same_order(told: Told, tmp_path: Path) -> None:
    logs = dict(reversed([*told.order.logs.items()]))
    annotated_quietly(replace(told.order, logs=logs, out=tmp_path))
    assert files(tmp_path) == files(told.order.out)


def test_the_past_of_every_log_is_as_it_was_when_a_future_is_deleted(
    told: Told, tmp_path: Path
) -> None:
    logs = by_placement(told.log)
    times = logs["feed"].impressions["timestamp_ms"].to_numpy()
    cut_ms = int(np.quantile(times[times >= told.log.periods.student_from_ms], 0.6))
    kept = part(logs["feed"], pl.col("timestamp_ms") < cut_ms)
    order = replace(
        told.order,
        logs={**told.order.logs, "feed": written({"feed": kept}, tmp_path)["feed"]},
        out=tmp_path / "out",
    )
    assert annotated_quietly(order).unique < told.record.unique
    for name in told.order.logs:
        whole, cut = (Replay.of(Log.read(one.logs[name])) for one in (told.order, order))
        before, after = (notes_of(one, name) for one in (told.order, order))
        requests = np.flatnonzero(whole.time_ms < cut_ms)
        rows = np.arange(whole.offsets[len(requests)])
        there = columns(after)
        for field, column in columns(before).items():
            if field == "sequence.z":  # said later of what was shown earlier
                continue
            # Blocks hold other states together: the last bits may differ.
            np.testing.assert_allclose(there[field][rows], column[rows], atol=1e-5, err_msg=field)
        said = sequence_at(cut, after.sequence, requests, 20)
        np.testing.assert_array_equal(
            said.said, sequence_at(whole, before.sequence, requests, 20).said
        )
        assert said.said.any()


def test_a_period_that_the_teacher_has_seen_is_refused(told: Told, tmp_path: Path) -> None:
    earlier = told.log.periods.model_copy(
        update={"student_from_ms": told.log.periods.student_from_ms - 1}
    )
    logs = {"feed": replace(by_placement(told.log)["feed"], periods=earlier)}
    order = replace(told.order, logs=written(logs, tmp_path), out=tmp_path / "out")
    with pytest.raises(LogsUnlike, match=r"up to which .*run was trained"):
        annotated_quietly(order)


def test_logs_without_a_later_request_are_refused(told: Told, tmp_path: Path) -> None:
    early = part(told.log, pl.col("timestamp_ms") < told.log.periods.student_from_ms)
    order = replace(told.order, logs=written({"feed": early}, tmp_path), out=tmp_path / "out")
    with pytest.raises(LogsUnlike, match="no log has a request from"):
        annotated_quietly(order)


def test_teacher_whose_log_has_changed_is_refused(told: Told, tmp_path: Path) -> None:
    run = untrained_run(tmp_path, told.log)
    part(told.log, FEED).write(tmp_path / "whole")
    with pytest.raises(LogsUnlike, match=r"whole has the digest \w+, not \w+ as when"):
        annotated_quietly(replace(told.order, teacher=run, out=tmp_path / "out"))


def test_what_is_no_teacher_is_refused(told: Told, tmp_path: Path) -> None:
    with pytest.raises(RunFolderInvalid, match="is no training run"):
        annotated_quietly(replace(told.order, teacher=tmp_path, out=tmp_path / "out"))
    run = untrained_run(tmp_path, told.log)
    record = RunRecord.read(run, ("teacher",))
    record.model_copy(update={"space": "0" * 16}).write(run)
    with pytest.raises(CheckpointInvalid, match=f"is of the space {record.space}, but run.json"):
        annotated_quietly(replace(told.order, teacher=run, out=tmp_path / "out"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_device_that_is_not_there_is_refused_before_anything_is_written(
    told: Told, tmp_path: Path
) -> None:
    order = replace(told.order, out=tmp_path / "told", device="cuda")
    with pytest.raises(PlacementRefused, match="--device cuda"):
        annotated_quietly(order)
    assert not order.out.exists()


def test_blocks_of_another_device_are_not_gone_on_with(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = replace(told.order, out=tmp_path / "told")
    monkeypatch.setattr(Blocks, "clear", lambda _: None)
    annotated_quietly(order)
    (order.out / RECORD).unlink()
    monkeypatch.setattr(Placement, "checked", lambda placement: placement)
    monkeypatch.setattr(Placement, "hosting", lambda *_: nullcontext())
    with pytest.raises(AnnotationsRefused, match="another annotation"):
        annotated_quietly(replace(order, device="cuda"))
