"""The test window: teacher, student alone, student at every coverage."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from models.annotation.annotations import Annotations
from models.caches import Caches
from models.data.batches import candidates_as_of, shown
from models.data.causal import Replay
from models.examples import CacheSource, Examples
from models.features.prior_rates import prior_scores
from models.features.records import F32, F64, I64
from models.manifest import Calibration
from models.metrics import quality, transfer_ratio
from models.predict import chunked, predict_batch
from models.schema import FeatureSchema, categorical
from models.student import Student
from models.teacher import Teacher

COVERAGES: Final = (0, 20, 40, 60, 80, 100)
Report = dict[str, Any]
Answers = dict[str, F64]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model under evaluation, with the calibration that it would be served with."""

    model: Student | Teacher
    schema: FeatureSchema
    calibration: Mapping[str, Calibration]


@dataclass(frozen=True, slots=True)
class Evaluation:
    replay: Replay
    requests: I64
    rows: I64  # impressions of the requests
    users: I64

    @classmethod
    def of(cls, replay: Replay) -> "Evaluation":
        requests = replay.requests_in(replay.log.periods.test)
        seen = shown(replay, requests)
        users = replay.user[requests][seen.pairs.request_index]
        return cls(replay, requests, seen.impression, users)

    def answers(self, candidate: Candidate, caches: Mapping[str, CacheSource | None]) -> Answers:
        """Calibrated `[n, T]` of one model under each cache; features are built once."""
        examples = Examples.of(self.replay, candidate.schema)
        logits: dict[str, list[F32]] = {name: [] for name in caches}
        for requests in chunked(self.requests):
            batch = examples.batch(requests)
            for name, cache in caches.items():
                answer = None if cache is None else cache(requests, batch.impression)
                logits[name].append(predict_batch(candidate.model, candidate.schema, batch, answer))
        return {
            name: self._calibrated(np.concatenate(parts), candidate)
            for name, parts in logits.items()
        }

    def prior_rates(self, rates: tuple[float, ...]) -> F64:
        """`[n, T]`: what a gateway goes by when no model answers."""
        parts = []
        for requests in chunked(self.requests):
            pairs = shown(self.replay, requests).pairs
            counted = candidates_as_of(self.replay, pairs, self.replay.time_ms[requests])
            parts.append(prior_scores(counted.counters, rates))
        return np.concatenate(parts)

    def _calibrated(self, logit: F32, candidate: Candidate) -> F64:
        tasks = enumerate(self.replay.log.schema.tasks)
        return np.stack(
            [candidate.calibration[name].probabilities(logit[:, task]) for task, name in tasks],
            axis=1,
        )

    def measured(self, p: F64, task: int) -> Report:
        labels = self.replay.labels[self.rows, task]
        known = labels >= 0
        found: Report = dict(quality(p[known, task], labels[known], self.users[known]))
        found.update(self._by_context(p[:, task], task))
        return found

    def truth(self, task: int) -> F64 | None:
        """The known probability of each label `[n]`, in a log that was drawn from one."""
        column = f"truth_{self.replay.log.schema.tasks[task]}"
        impressions = self.replay.log.impressions
        if column not in impressions.columns:
            return None
        return impressions[column].to_numpy()[self.rows].astype(np.float64)

    def _by_context(self, p: F64, task: int) -> dict[str, float]:
        """AUC within each common value of each context column: a scene can be most of an AUC."""
        found = {}
        labels = self.replay.labels[self.rows, task]
        for column in categorical(self.replay.log.schema.context):
            shown = self.replay.log.impressions[column.name]
            values = shown.to_numpy()[self.rows]
            for value in shown.drop_nulls().unique().sort():
                rows = (values == value) & (labels >= 0)
                measured = quality(p[rows], labels[rows]) if rows.mean() > 0.1 else {}
                if measured:
                    found[f"auc[{column.name}={value}]"] = measured["auc"]
        return found


def evaluate(
    replay: Replay,
    teacher: Candidate,
    alone: Candidate,
    student: Candidate,
    notes: Annotations,
    seed: int,
) -> Report:
    """By task: each model's metrics; the student's at each coverage, with and without tiers."""
    evaluation = Evaluation.of(replay)
    read = student.schema
    length = read.history_length if read.reads_sequence else 0
    caches = Caches(replay, notes, read.teacher_tiers, length)
    served = {
        f"student_at_{share}" + suffix: caches.holding(
            share / 100.0,
            np.random.default_rng(seed),
            tiers=read.teacher_tiers if has_rest else (),
            has_sequence=has_rest,
        )
        for has_rest, suffix in ((False, ""), (True, "_and_past"))
        for share in COVERAGES
    }
    answers = evaluation.answers(teacher, {"teacher": None})
    answers |= evaluation.answers(alone, {"student_alone": None})
    answers |= evaluation.answers(student, served)
    answers["prior_rates"] = evaluation.prior_rates(read.prior_rates)
    return {
        "requests": len(evaluation.requests),
        "impressions": len(evaluation.rows),
        "tasks": {
            name: _by_model(evaluation, answers, task)
            for task, name in enumerate(replay.log.schema.tasks)
        },
    }


def _by_model(evaluation: Evaluation, answers: Answers, task: int) -> Report:
    found: Report = {name: evaluation.measured(p, task) for name, p in answers.items()}
    truth = evaluation.truth(task)
    if truth is not None:
        labels = evaluation.replay.labels[evaluation.rows, task]
        found["best_possible"] = quality(truth, labels, evaluation.users)
    if not found["teacher"]:
        return found
    teacher, alone = (found[name]["log_loss"] for name in ("teacher", "student_alone"))
    for name, measured in found.items():
        if name.startswith("student_at_"):
            measured["transfer_ratio"] = transfer_ratio(alone, measured["log_loss"], teacher)
    return found


def effective_rank(z: F32) -> float:
    """exp of the entropy of z's normalised variance spectrum (Roy & Vetterli 2007)."""
    spectrum = np.linalg.eigvalsh(np.cov(z.astype(np.float64), rowvar=False)).clip(min=0.0)
    share = spectrum[spectrum > 0] / spectrum.sum()
    return float(np.exp(-(share * np.log(share)).sum()))
