import numpy as np
import pytest
import torch

from models.baselines import match_counts
from models.features.grouping import grouped
from models.features.records import Arrays
from models.layers import history_match

REQUESTS, CANDIDATES, LENGTH, KINDS = 7, 23, 12, 3


def arrays(seed: int) -> Arrays:
    rng = np.random.default_rng(seed)
    asked = np.sort(rng.integers(0, REQUESTS, CANDIDATES))
    grouping = grouped(asked, REQUESTS)
    return {
        "item_categorical": rng.integers(0, 4, (CANDIDATES, 2)),
        "history_categorical": rng.integers(0, 4, (REQUESTS, LENGTH, 2)),
        "history_outcome": rng.integers(0, 1 << KINDS, (REQUESTS, LENGTH)),
        "group_rows": grouping.rows,
        "group_place": grouping.place,
    }


@pytest.mark.parametrize("length", [1, 5, LENGTH])
def test_counts_equal_those_that_a_model_makes_of_the_newest_events(length: int) -> None:
    table = arrays(1)
    tensors = {name: torch.from_numpy(array) for name, array in table.items()}
    expected = history_match.match_counts(
        tensors["item_categorical"],
        tensors["history_categorical"][:, -length:],
        tensors["history_outcome"][:, -length:],
        tensors["group_rows"],
        tensors["group_place"],
        KINDS,
    )
    found = match_counts.match_counts(table, length, KINDS)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)
    assert found.any()


def test_a_chunk_of_one_request_gives_the_same_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = match_counts.match_counts(arrays(2), LENGTH, KINDS)
    monkeypatch.setattr(match_counts, "CHUNK_CELLS", 1)
    np.testing.assert_array_equal(match_counts.match_counts(arrays(2), LENGTH, KINDS), whole)


def test_padding_matches_nothing() -> None:
    table = arrays(3)
    table["history_categorical"][:], table["item_categorical"][:] = 0, 0
    table["history_outcome"][:] = 0
    assert not match_counts.match_counts(table, LENGTH, KINDS).any()


def test_items_without_columns_have_no_counts() -> None:
    table = arrays(4)
    for name in ("item_categorical", "history_categorical"):
        table[name] = table[name][..., :0]
    assert match_counts.match_counts(table, LENGTH, KINDS).shape == (CANDIDATES, 0)
