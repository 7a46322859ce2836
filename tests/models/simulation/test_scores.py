from pathlib import Path

import numpy as np
import torch

from models.checkpoint import save
from models.data.causal import Replay
from models.examples import Examples, features_of
from models.predict import predict
from models.simulation.scores import student_scores
from models.simulation.trace_of_log import first_ms, trace_of
from models.student import Student, StudentConfig
from models.students.families import FAMILIES
from tests.models.data.small_logs import random_log, with_candidates


def test_a_student_scores_candidates_as_it_predicts_impressions(tmp_path: Path) -> None:
    log = random_log(2, requests=90)
    shown = log.impressions.group_by("request_id", maintain_order=True).agg("item_id")
    lists = [(name, sorted({*items})) for name, items in shown.rows()]
    replay = Replay.of(with_candidates(log, lists).validate())
    features = features_of(replay, 4, 0, log.periods.student_from_ms)
    config = StudentConfig(features=features, reader=FAMILIES["din"])
    torch.manual_seed(0)
    student = Student(config).eval()
    save(tmp_path, "student", student, config)
    trace = trace_of(replay, student_scores(tmp_path), first_ms(replay))
    rows = np.arange(len(replay.time_ms))
    told = predict(student, Examples.of(replay, features), rows)[:, 0]
    request = np.repeat(rows, np.diff(replay.offsets))
    for score, of, item in zip(trace.score, trace.request, trace.item, strict=True):
        logit = told[(request == of) & (replay.item == item)][0]
        assert np.isclose(score, 1.0 / (1.0 + np.exp(-logit)), atol=1e-6)
