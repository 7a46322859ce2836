"""What is found of a bundle while another process has the core for a time."""

from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import pytest

from models.features.catalogue import Catalogue
from models.features.records import Arrays
from models.providers.bound import Session
from models.runtime import Model
from server.lane import load_model
from server.rollout.lanes import trial
from server.rollout.lanes.trial_run import Pair, Ran, Took
from server.rollout.lanes.trial_wire import Asked
from server.settings import Settings
from tests.server.live import settings_for
from tests.server.rollout.harm.kinds import as_good, good
from tests.server.rollout.lanes.test_trial_process import source_of

RUNS: Final = 60
STALL_S: Final = 0.001


class Stalled:
    """A session whose first runs wait for a core."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._left = RUNS

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def run(self, names: None, arrays: Arrays) -> Any:
        if self._left:
            self._left -= 1
            until = perf_counter() + STALL_S
            while perf_counter() < until:
                pass
        return self._session.run(names, arrays)


async def test_bundle_is_not_slow_by_what_takes_the_core_for_a_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("stable", "candidate")]
    for folder in folders:
        folder.mkdir()
    stable, candidate = source_of(good(folders[0])), source_of(as_good(folders[1]))

    def loaded(settings: Settings, bundle: Path, catalogue: Path | None) -> tuple[Model, Catalogue]:
        model, items = load_model(settings, bundle, catalogue)
        if bundle == candidate.bundle:
            model = replace(model, session=Stalled(model.session))
        return model, items

    monkeypatch.setattr(trial, "load_model", loaded)
    told = settings_for(None).model_dump(mode="json", exclude={"bundle"})
    verdict = await trial.tried(candidate, stable, Asked(told, []))
    assert verdict.reason == ""
    assert verdict.slowdown < 3.0  # a stalled run takes some fifty times as long


def test_round_that_was_disturbed_and_one_that_the_model_failed_say_nothing_of_cost() -> None:
    quick = [Took(10, 100), Took(10, 100), Took(500, 9_000), Took(12, 110), Took(10, 100)]
    slow = [Took(36, 126), Took(900, 7_000), Took(36, 130), Took(43, 139), Took(36, 126)]
    failed = [Took(0, 100)] * len(quick)
    request: Any = None
    ran = Ran([Pair(request, request, request, *took) for took in ((quick, slow), (failed, slow))])
    assert ran.slowdown == pytest.approx(3.6, rel=0.01)
    assert ran.work == pytest.approx((1.26 + 1.30) / 2, rel=0.01)
    assert Ran().slowdown == Ran().work == 1.0
