import itertools
from pathlib import Path

import numpy as np
import pytest

from loadtest.distributed.gathering import Inbox, Outbox, read
from loadtest.distributed.schedule import STEADY, due_times
from loadtest.errors import StepFailed
from loadtest.run.arrivals import Profile
from loadtest.run.scenario import built_in
from tests.loadtest.run.reports import OK


def _due(profile: Profile, users: int, rate: float, seconds: float) -> list[float]:
    each = (
        due_times(profile, rate, seconds, 0.0, np.random.default_rng(user)) for user in range(users)
    )
    return sorted(itertools.chain.from_iterable(each))


def test_many_users_together_are_one_poisson_process() -> None:
    due = np.array(_due(STEADY, users=40, rate=2.5, seconds=100.0))
    gaps = np.diff(due)
    assert len(due) == pytest.approx(10_000, rel=0.04)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.05)


def test_users_follow_the_profile() -> None:
    due = np.array(_due(built_in()["spike"].profile, users=40, rate=2.5, seconds=100.0))
    within = ((due >= 40.0) & (due < 60.0)).sum()
    assert within / ((due < 40.0).sum() / 2) == pytest.approx(3.0, rel=0.1)


def test_a_user_who_begins_early_warms_up() -> None:
    due = list(due_times(STEADY, 100.0, 5.0, -1.0, np.random.default_rng(1)))
    assert -1.0 < due[0] < 0.0
    assert due[-1] < 5.0


def test_samples_travel_once_and_whole(tmp_path: Path) -> None:
    outbox, inbox = Outbox(lambda: 2.0), Inbox()
    for number in range(5):
        outbox.put(OK._replace(due_s=float(number)))
        data: dict[str, object] = {}
        outbox.report(data)
        inbox.take(f"worker-{number % 2}", data)
    path = tmp_path / "samples"
    inbox.write(path)
    ran = read(path)
    assert ran.samples.due_s.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert ran.samples.stages_ms["inference"].tolist() == [1.5] * 5
    assert ran.cost.processes == 2


def test_no_sample_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="no worker"):
        read(tmp_path / "samples")
