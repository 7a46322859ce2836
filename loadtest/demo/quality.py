"""What the scores that came over HTTP are worth against the labels of the shown impressions."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtest.demo.metrics import F64, auc, measure
from loadtest.demo.replay import MAIN, Replayed

RESAMPLES: Final = 200
SCORERS: Final = ("teacher", MAIN, "student_without_cache", "student_alone")


class Impressions:
    """Shown impressions of the requests that every scorer answered, with all their scores."""

    def __init__(self, replayed: Sequence[Replayed], task: str) -> None:
        self.requests = len(replayed)
        whole = [r for r in replayed if all(not s.is_failed for s in r.slates.values())]
        self.requests_measured = len(whole)
        self.labels = _column([shown.labels[task] for r in whole for shown in r.logged.shown])
        self.scores = {
            name: _column([score for r in whole for score in r.slates[name].shown_scores])
            for name in SCORERS
        }
        sizes = [len(r.logged.shown) for r in whole]
        self.request: NDArray[np.int64] = np.repeat(np.arange(len(whole)), sizes)
        users = {user: code for code, user in enumerate({r.logged.user_id for r in whole})}
        self.user = np.array([users[r.logged.user_id] for r in whole], np.int64)[self.request]


def describe(replayed: Sequence[Replayed], task: str) -> dict[str, Any]:
    """Each scorer's quality, the transfer ratio, and which requests they were measured on."""
    shown = Impressions(replayed, task)
    measured = {name: measure(s, shown.labels, shown.user) for name, s in shown.scores.items()}
    losses = {name: quality.log_loss for name, quality in measured.items()}
    return {
        "task": task,
        "requests": shown.requests,
        "requests_measured": shown.requests_measured,
        "impressions": len(shown.labels),
        "positives": int(shown.labels.sum()),
        "scorers": {name: quality._asdict() for name, quality in measured.items()},
        "transfer_ratio": transfer_ratio(losses),
        "auc_lift_of_cache": _paired_auc(shown, MAIN, "student_alone"),
        "auc_lead_of_teacher": _paired_auc(shown, "teacher", MAIN),
    }


def transfer_ratio(log_losses: dict[str, float]) -> float | None:
    """Share of the teacher's lead over the untaught student that the cache brings; on log loss."""
    lead = log_losses["student_alone"] - log_losses["teacher"]
    return (log_losses["student_alone"] - log_losses[MAIN]) / lead if lead else None


def _paired_auc(shown: Impressions, better: str, worse: str) -> dict[str, float]:
    """Difference of AUC with a 95 % interval from resampling requests, the same for both."""
    first, second = shown.scores[better], shown.scores[worse]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        times = np.bincount(
            rng.integers(0, shown.requests_measured, shown.requests_measured),
            minlength=shown.requests_measured,
        )
        rows = np.repeat(np.arange(len(shown.labels)), times[shown.request])
        drawn.append(auc(first[rows], shown.labels[rows]) - auc(second[rows], shown.labels[rows]))
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    difference = auc(first, shown.labels) - auc(second, shown.labels)
    return {"difference": difference, "low": float(low), "high": float(high)}


def _column(values: Sequence[float]) -> F64:
    return np.array(values, np.float64)
