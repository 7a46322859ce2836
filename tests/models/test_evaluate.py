import numpy as np

from models.data.causal import Replay
from models.evaluate import Evaluation
from tests.models.data.small_logs import random_log


def test_contexts_are_told_apart_and_a_missing_one_is_none_of_them() -> None:
    replay = Replay.of(random_log(seed=1, requests=400))
    assert replay.log.impressions["tab"].null_count()
    window = Evaluation.of(replay)
    labels = replay.labels[window.rows]
    found = window.measured(np.where(labels > 0, 0.6, 0.1), task=0)
    assert {name for name in found if name.startswith("auc[")} == {
        "auc[tab=feed]",
        "auc[tab=story]",
    }
    assert found["auc[tab=feed]"] == found["auc"] == 1.0
    chance = window.measured(np.full(labels.shape, 0.5), task=0)
    assert chance["auc[tab=story]"] == 0.5
