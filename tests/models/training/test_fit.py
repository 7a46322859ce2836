"""The loop: which epoch is kept, when it ends, what a step reads."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from models.features.records import I64
from models.training.fit import Recipe, shuffled
from models.training.placement import HERE, Placement
from tests.models.training.toy_fit import RECIPE, ToyFit


def test_epoch_of_the_lowest_value_is_kept() -> None:
    toy = ToyFit(values=[3.0, 1.0, 2.0, 4.0])
    assert toy.run() == [3.0, 1.0, 2.0, 4.0]
    assert toy.model.weights() == toy.at_validation[1]
    assert not toy.model.training


def test_fit_ends_after_as_many_epochs_without_a_lower_value_as_it_has_patience() -> None:
    values = [3.0, 1.0, 1.5, 1.0, 0.5, 0.4]
    assert ToyFit(values).run(replace(RECIPE, epochs=6, patience=2)) == values[:4]
    assert ToyFit(values).run(replace(RECIPE, epochs=6, patience=3)) == values


def test_fit_lowers_the_loss() -> None:
    values = ToyFit().run()
    assert values[-1] < 0.8 * values[0]


@pytest.mark.parametrize(("ranks", "requests"), [(2, 40), (3, 40), (8, 41)])
def test_processes_share_every_batch(
    ranks: int, requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = replace(ToyFit().task(), requests=np.arange(requests), impressions=requests)
    order = torch.from_numpy(np.random.default_rng(5).permutation(requests))
    monkeypatch.setattr("models.training.fit.agreed", lambda value, placement: order)

    def batches(placement: Placement) -> list[I64]:
        return list(shuffled(task, RECIPE, np.random.default_rng(0), placement))

    shares = [batches(Placement(rank=rank, ranks=ranks)) for rank in range(ranks)]
    for whole, parts in zip(batches(HERE), zip(*shares, strict=True), strict=True):
        assert all(len(part) for part in parts)
        np.testing.assert_array_equal(np.unique(np.concatenate(parts)), whole)


def test_only_what_a_task_names_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[nn.Module]()
    monkeypatch.setattr(
        "models.training.fit.compile_parts", lambda parts, device: asked.extend(parts)
    )
    toy = ToyFit()
    task = replace(toy.task(), compiled=(toy.model.head,))
    toy.run(task=task)
    assert asked == []
    toy.run(task=task, placement=Placement(compiled=True))
    assert asked == [toy.model.head]


def test_a_large_log_is_passed_over_fewer_times() -> None:
    recipe = Recipe(epochs=3, batch_impressions=1, learning_rate=1e-3, most_impressions=500)
    assert [recipe.within(n).epochs for n in (100, 200, 400, 9000)] == [3, 2, 1, 1]
