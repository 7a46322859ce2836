import numpy as np
import pytest

from tests.rerank.curve import PLACES, RERANKS, STRENGTHS, swept
from tests.rerank.lists import Listed
from tests.rerank.measures import jaccard, measured, ndcg, pair_distances


def listed(seed: int) -> Listed:
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.random(50))[::-1].copy()
    labels = (rng.random(50) < scores).astype(np.float64)
    z = rng.normal(size=(50, 16)).astype(np.float32)
    return Listed(scores, labels, z, [frozenset({str(item % 5)}) for item in range(50)])


def test_ndcg_is_one_for_the_best_order_and_less_for_another() -> None:
    labels = np.array([0.0, 1.0, 1.0])
    assert ndcg(np.array([1.0, 1.0, 0.0]), labels) == pytest.approx(1.0)
    gained = (1 / np.log2(3) + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    assert ndcg(labels, labels) == pytest.approx(gained)
    assert np.isnan(ndcg(np.zeros(3), np.zeros(3)))


def test_distance_is_0_between_equals_and_1_between_opposites() -> None:
    z = np.array([[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], np.float32)
    np.testing.assert_allclose(pair_distances(z), [0.0, 1.0, 0.5, 1.0, 0.5, 0.5], atol=1e-12)


def test_kinds_are_as_far_apart_as_they_share_words() -> None:
    assert jaccard(frozenset("ab"), frozenset("bc")) == pytest.approx(2 / 3)
    assert jaccard(frozenset(), frozenset()) == 0.0


def test_more_strength_is_more_distance_and_no_more_score() -> None:
    lists = [listed(seed) for seed in range(20)]
    found = swept(lists)
    for name in RERANKS:
        weak, strong = found[name, STRENGTHS[0]], found[name, STRENGTHS[-2]]
        assert strong.distance > max(weak.distance, found["by score", 0.0].distance)
        assert strong.score < weak.score <= found["by score", 0.0].score + 1e-9


def test_of_a_slate_only_its_items_count() -> None:
    one = listed(0)
    told = measured(one, range(PLACES))
    assert told.clicks == one.labels[:PLACES].mean()
    assert told.score == pytest.approx(one.scores[:PLACES].mean())
    assert told.kinds == pytest.approx(1.0 - 5 / 45)  # two of each of five kinds
