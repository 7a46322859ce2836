"""The small world of all suites here, and its teacher, which a test run trains once."""

import pickle
from pathlib import Path

import pytest
from rich.progress import Progress

from models.data.adworld.world import make_log
from models.suites.suites import Setting, workbenches
from models.suites.workbench import Workbench
from tests.made_once import made_once
from tests.settling import soon_settled

IMPRESSIONS = 40_000
"""With 30,000 some directions are lost in noise under two seeds of three."""
SETTLING_STEPS = 300
"""Under seeds 0 to 4 more of the directions hold than after 1,500, and by more."""
TAUGHT = "taught.pickle"
"""Written and read by processes of one test run, in their own folder."""


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Shared, so that a model that several suites measure is trained once."""
    beside = tmp_path_factory.mktemp("suites")
    taught = pickle.loads((made_once("taught", beside, _teach) / TAUGHT).read_bytes())
    bench = _untaught()
    bench.models.once("teacher", lambda: taught)
    return bench


def _teach(folder: Path) -> None:
    bench = _untaught()
    with soon_settled(SETTLING_STEPS):
        taught = bench.teacher, bench.notes
    (folder / TAUGHT).write_bytes(pickle.dumps(taught))


def _untaught() -> Workbench:
    log = make_log(impressions=IMPRESSIONS, seed=7)
    [bench] = workbenches(log, Setting(seeds=(0,), quick=True), Progress(disable=True))
    return bench
