"""A fit that was stopped goes on to the same bits, or is refused; what the file holds."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from models.training.curve import COLUMNS
from models.training.errors import CheckpointInvalid, RunRefused
from models.training.terms import terms_of
from models.training.trail import Trail
from tests.models.training.toy_fit import RECIPE, Stopped, ToyFit, stopping_after


def trail(folder: Path, stop_after: int | None = None, **terms: Any) -> Trail:
    stop = None if stop_after is None else stopping_after(stop_after)
    return Trail(
        folder=folder, name="toy", terms=terms_of(recipe=RECIPE, **terms), after_epoch=stop
    )


def stopped(folder: Path, epoch: int) -> None:
    with pytest.raises(Stopped):
        ToyFit().run(trail=trail(folder, epoch))


def curve(folder: Path) -> list[list[str]]:
    with (folder / "curves" / "toy.csv").open(newline="") as file:
        return [row[: COLUMNS.index("seconds")] for row in csv.reader(file)]


@pytest.mark.parametrize("epoch", [1, 2, 4])
def test_resumed_fit_equals_one_that_was_not_stopped(epoch: int, tmp_path: Path) -> None:
    whole, again = ToyFit(), ToyFit()
    values = whole.run(trail=trail(tmp_path / "whole"))
    stopped(tmp_path / "again", epoch)
    torch.rand(3)  # as another process would have
    again.rng.random(3)
    assert again.run(trail=trail(tmp_path / "again")) == values
    assert again.model.weights() == whole.model.weights()
    assert again.rng.random() == whole.rng.random()
    assert len(again.at_validation) == RECIPE.epochs - epoch
    assert curve(tmp_path / "again") == curve(tmp_path / "whole")


def test_fit_that_was_stopped_twice_keeps_its_best_epoch(tmp_path: Path) -> None:
    values = [0.4, 0.1, 0.3, 0.2]
    whole = ToyFit(values)
    whole.run()
    for begun, epoch in ((0, 1), (1, 3)):
        with pytest.raises(Stopped):
            ToyFit(values[begun:]).run(trail=trail(tmp_path, epoch))
    last = ToyFit(values[3:])
    assert last.run(trail=trail(tmp_path)) == values
    assert last.model.weights() == whole.at_validation[1]


def test_steps_of_the_epoch_that_was_cut_short_leave_no_second_row(tmp_path: Path) -> None:
    stopped(tmp_path, 1)
    path = tmp_path / "curves" / "toy.csv"
    path.write_text(path.read_text() + "10,2,0.1,0.05,,9.0\n1")
    ToyFit().run(trail=trail(tmp_path))
    steps = [int(row[0]) for row in curve(tmp_path)[1:]]
    assert steps == sorted(set(steps))
    assert steps[-1] == RECIPE.epochs * 5


def test_other_terms_are_refused_with_the_field_and_the_remedy(tmp_path: Path) -> None:
    stopped(tmp_path, 1)
    other = trail(tmp_path)
    other = replace(other, terms=other.terms | terms_of(recipe=replace(RECIPE, epochs=9)))
    with pytest.raises(RunRefused, match=r"recipe\.epochs 4, not 9: .*--anew"):
        ToyFit().run(trail=other)


def test_damaged_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    stopped(tmp_path, 1)
    file = tmp_path / "checkpoints" / "toy.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointInvalid, match="--anew"):
        ToyFit().run(trail=trail(tmp_path))


def test_half_written_file_leaves_the_last_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half")
        raise Stopped

    stopped(tmp_path, 1)
    with monkeypatch.context() as patched:
        patched.setattr("models.training.epoch_checkpoint.save_file", broken)
        with pytest.raises(Stopped):
            ToyFit().run(trail=trail(tmp_path))
    assert [file.name for file in (tmp_path / "checkpoints").iterdir()] == ["toy.safetensors"]
    again = ToyFit()
    again.run(trail=trail(tmp_path))
    assert len(again.at_validation) == RECIPE.epochs - 1
