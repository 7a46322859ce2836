import numpy as np
from scipy.special import expit

from models.calibration import fit


def drawn(slope: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Logits that say too much, of labels that follow them with this slope."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(2.0, 1.0, 20_000).astype(np.float32)
    labels = (rng.random(len(logit)) < expit(slope * (logit - 2.0) - 3.0)).astype(np.int8)
    return logit, labels


def test_level_and_spread_are_found() -> None:
    logit, labels = drawn(slope=0.5)
    found = fit(logit, labels)
    assert abs(found.scale - 0.5) < 0.05
    assert abs(expit(found.scale * logit + found.offset).mean() - labels.mean()) < 1e-4


def test_logits_that_point_the_wrong_way_keep_their_order_and_are_right_on_average() -> None:
    logit, labels = drawn(slope=-0.5)
    found = fit(logit, labels)
    assert found.scale == 1.0
    assert abs(expit(logit.astype(np.float64) + found.offset).mean() - labels.mean()) < 1e-9


def test_unknown_labels_count_for_nothing_and_one_class_alone_teaches_nothing() -> None:
    logit, labels = drawn(slope=1.0)
    padded = np.concatenate([labels, np.full(500, -1, np.int8)])
    more = np.concatenate([logit, np.full(500, 40.0, np.float32)])
    assert fit(more, padded) == fit(logit, labels)
    assert fit(logit, np.zeros_like(labels)).scale == 1.0
    assert fit(logit, np.zeros_like(labels)).offset == 0.0
