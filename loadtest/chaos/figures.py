"""What a trial comes to: before the harm, while it lasted, and how soon it was over."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from loadtest.chaos.crowds import LATE
from loadtest.chaos.trial import Loaded, Trial
from loadtest.run.answers import Sample
from loadtest.run.samples import Mask, Samples

WINDOW_S: Final = 1.0
STEP_S: Final = 0.25
FEWEST: Final = 5
"""Answers in a window that say something."""
DEGRADED_MORE: Final = 0.1
COVERED_SHARE: Final = 0.9
SLOWER: Final = 2.0
SLOWER_MS: Final = 5.0


class Phases(NamedTuple):
    """Seconds from the start."""

    begin_s: float
    end_s: float
    recovered_s: float | None  # after the end; None: not within the run

    def before(self, samples: Samples) -> Mask:
        early: Mask = samples.due_s < self.begin_s
        return early

    def during(self, samples: Samples) -> Mask:
        """Until all is well again, where the harm was done in an instant."""
        until_s = self.end_s if self.end_s > self.begin_s else self.well_s
        within: Mask = (samples.due_s >= self.begin_s) & (samples.due_s < until_s)
        return within

    def outside(self, samples: Samples) -> Mask:
        late: Mask = samples.due_s >= self.well_s
        return self.before(samples) | late

    @property
    def well_s(self) -> float:
        return np.inf if self.recovered_s is None else self.end_s + self.recovered_s


def phases(loaded: Loaded) -> Phases:
    harms = [mark for mark in loaded.marks if not mark.what.endswith(" answers")]
    begin_s = min(mark.from_s for mark in harms)
    end_s = max(mark.from_s if mark.until_s is None else mark.until_s for mark in harms)
    return Phases(begin_s, end_s, recovery(loaded.samples, begin_s, end_s))


def recovery(samples: Samples, begin_s: float, end_s: float) -> float | None:
    """From the end of the harm to the first second that is as those before it were."""
    usual, last_s = samples.due_s < begin_s, float(samples.due_s[-1])
    for start_s in np.arange(end_s, last_s - WINDOW_S, STEP_S).tolist():
        window = (samples.due_s >= start_s) & (samples.due_s < start_s + WINDOW_S)
        if window.sum() >= FEWEST and is_well(samples, window, usual):
            return float(start_s - end_s)
    return None


def is_well(samples: Samples, window: Mask, usual: Mask) -> bool:
    """Nothing failed, and nothing is more degraded, less covered or later than usual."""
    if samples.is_failed[window].any():
        return False
    now, then = window & samples.is_answered, usual & samples.is_answered
    if not now.any() or not then.any():
        return False
    latest_ms = SLOWER * float(np.median(samples.latency_ms[then])) + SLOWER_MS
    return bool(
        samples.is_degraded[now].mean() <= samples.is_degraded[then].mean() + DEGRADED_MORE
        and samples.covered[now].mean() >= COVERED_SHARE * samples.covered[then].mean()
        and np.median(samples.latency_ms[now]) <= latest_ms
    )


def tell(trial: Trial) -> dict[str, Any]:
    """As chaos.json has it, less what comes of it (loadtest.chaos.verdict)."""
    samples, phase = trial.loaded.samples, phases(trial.loaded)
    during = said(trial.loaded.kept, phase, samples)
    return {
        "name": trial.chaos.name,
        "about": trial.chaos.about,
        "harms": [harm.words for harm in trial.chaos.harms],
        "seconds": trial.seconds,
        **trial.loaded.figures,
        "failed": len(trial.failed) + refused(samples),
        "late": int((samples.status == LATE).sum()),
        "lost": len(trial.lost),
        "why": dict(Counter(failure.why for failure in trial.failed).most_common(3)),
        "said": dict(during.reasons.most_common()),
        "said_share": during.share(trial.chaos.says),
        "p99_ms": {
            "outside": p99_ms(samples, phase.outside(samples)),
            "during": p99_ms(samples, phase.during(samples)),
        },
        "coverage": coverage(samples, phase),
        "recovered_s": phase.recovered_s,
        "visitors": {
            who: {str(status): count for status, count in sorted(counts.items())}
            for who, counts in trial.visitors.items()
        },
        "memory_mb": trial.after.memory_mb,
        "grew_mb": trial.after.memory_mb - trial.before.memory_mb,
        "settled_s": trial.settled.after_s,
        "left": trial.settled.left,
        "marks": [mark._asdict() for mark in trial.loaded.marks],
    }


def refused(samples: Samples) -> int:
    """Answers that are none of 200, 429 and LATE; those that never came are known by themselves."""
    return int((samples.is_failed & (samples.status > 0) & (samples.status != LATE)).sum())


class Said(NamedTuple):
    answers: int
    reasons: Counter[str]  # answers by each reason
    each: Sequence[Sequence[str]]

    def share(self, beginning: str) -> float | None:
        """Of the answers, those with a reason that begins so; None without answers."""
        if not self.answers:
            return None
        named = sum(any(reason.startswith(beginning) for reason in said) for said in self.each)
        return named / self.answers


def said(kept: Sequence[Sample], phase: Phases, samples: Samples) -> Said:
    """By answers due while the harm lasted."""
    due = set(samples.due_s[phase.during(samples) & samples.is_answered].tolist())
    each = [sample.degraded for sample in kept if sample.due_s in due]
    return Said(len(each), Counter(reason for reasons in each for reason in set(reasons)), each)


def p99_ms(samples: Samples, chosen: Mask) -> float | None:
    spent = samples.latency_ms[chosen & samples.is_answered]
    return float(np.percentile(spent, 99)) if len(spent) else None


def coverage(samples: Samples, phase: Phases) -> dict[str, float | None]:
    """Means; the lowest is that of a second's answers after the beginning."""
    answered = samples.is_answered
    later = answered & (samples.due_s >= phase.begin_s)
    seconds = np.floor(samples.due_s - phase.begin_s)
    by_second = [
        mean for second in np.unique(seconds[later]).tolist()
        if (mean := _mean(samples.covered[later & (seconds == second)])) is not None
    ]  # fmt: skip
    return {
        "before": _mean(samples.covered[answered & phase.before(samples)]),
        "lowest": min(by_second, default=None),
        "after": _mean(samples.covered[answered & (samples.due_s >= phase.well_s)]),
    }


def _mean(values: Any) -> float | None:
    told = values[~np.isnan(values)]
    return float(told.mean()) if len(told) else None
