"""What becomes of a process that tries a bundle, whatever becomes of the bundle."""

import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from server.open_lane import Source
from server.rollout.lanes import trial_process
from server.rollout.lanes.attempt import IMPORTS
from server.rollout.lanes.errors import TrialFailed
from server.rollout.lanes.trial_process import MAX_OUTPUT, Trial, tried
from server.rollout.lanes.trial_wire import Asked, Verdict
from server.serving_folder import open_serving_folder
from server.settings import Settings
from server.wire import RankRequest
from tests.bundles import rank_body
from tests.server.live import settings_for
from tests.server.rollout.harm.kinds import KINDS, as_good
from tests.server.rollout.harm.kinds import good as good_folder

PATIENT_S = 120.0
CRASHING = "tests.server.rollout.lanes.crashing"


async def ended(how: str, timeout_s: float = PATIENT_S) -> Verdict:
    source = Source(Path(how))
    return await tried(source, source, Settings(), [], timeout_s)


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_process, "MODULE", CRASHING)


@pytest.mark.usefixtures("crashing")
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("crash", "was ended by SIGSEGV"),
        ("raise", "ended with 1: MemoryError: no more"),
        ("mumble", "what is no verdict: what is this"),
        ("silent", "what is no verdict"),
    ],
)
async def test_end_without_a_verdict_is_told_as_it_was(how: str, said: str) -> None:
    with pytest.raises(TrialFailed, match=said):
        await ended(how)


@pytest.mark.usefixtures("crashing")
async def test_trial_that_does_not_end_is_ended() -> None:
    before = children()
    with pytest.raises(TrialFailed, match=r"did not end within 0.3 s"):
        await ended("hang", 0.3)
    assert children() == before


@pytest.mark.usefixtures("crashing")
async def test_whoever_says_much_is_heard_to_the_end_and_not_kept() -> None:
    assert (await ended("talk")).reason == "said at the end"
    command = (sys.executable, "-m", CRASHING, "talk", "talk")
    output = await asyncio.to_thread(Trial(command, b"").run, PATIENT_S)
    assert len(output) <= MAX_OUTPUT


@pytest.mark.usefixtures("crashing")
async def test_trial_of_a_rollout_that_is_over_ends_with_it() -> None:
    before = children()
    task = asyncio.create_task(ended("hang"))
    await until_more_than(before)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert children() == before


async def until_more_than(before: set[int]) -> None:
    until = time.monotonic() + PATIENT_S
    while children() == before:
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


def children() -> set[int]:
    return {child.pid for child in psutil.Process(os.getpid()).children(recursive=True)}


def test_settings_and_latest_requests_are_told_and_secrets_are_not() -> None:
    settings = settings_for(None, admin_token="secret", ort_threads=2)
    requests = [msgspec.convert(rank_body("u", 3, seed), RankRequest) for seed in range(3)]
    told = trial_process._encoded(settings, requests, 5)
    asked = msgspec.json.decode(told, type=Asked)
    assert b"secret" not in told
    assert asked.settings["ort_threads"] == 2
    assert asked.room == 5
    assert {len(each.item_ids or ()) for each in asked.requests} == {3}


def test_no_more_of_the_latest_requests_than_fit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_process, "MAX_INPUT", 2_500)
    requests = [msgspec.convert(rank_body("u", 50, seed), RankRequest) for seed in range(9)]
    asked = msgspec.json.decode(trial_process._encoded(settings_for(None), requests), type=Asked)
    assert 0 < len(asked.requests) < 5
    assert asked.requests[0] == requests[-1]  # the latest first


@pytest.mark.slow
async def test_good_bundle_is_measured_beside_the_stable_one(tmp_path: Path) -> None:
    verdict = await of(tmp_path, "good")
    assert (verdict.reason, verdict.name) == ("", "student")
    assert verdict.requests >= 5
    assert 0.3 < verdict.slowdown < 3.0
    assert 0 <= verdict.bytes < 200 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is not bounded")
def test_trial_that_takes_more_memory_than_is_left_dies_of_it_alone() -> None:
    code = (
        "import numpy as np\n"
        "from server.rollout.lanes.trial import STACKS, _bound\n"
        "_bound(1)\n"
        "np.ones(STACKS + (16 << 20), np.uint8)\n"
    )
    with pytest.raises(TrialFailed, match=r"ended with 1: .*MemoryError"):
        Trial((sys.executable, "-c", code), b"").run(PATIENT_S)


@pytest.mark.slow
async def test_trial_has_the_memory_that_was_asked_for(tmp_path: Path) -> None:
    assert (await of(tmp_path, "good", room=IMPORTS + (8 << 20))).reason == ""


@pytest.mark.slow
async def test_bundle_that_kills_its_process_kills_that_alone(tmp_path: Path) -> None:
    with pytest.raises(TrialFailed, match="was ended by SIGFPE"):
        await of(tmp_path, "killing")


async def of(folder: Path, kind: str, room: int = 0) -> Verdict:
    stable, candidate = folder / "stable", folder / "candidate"
    stable.mkdir()
    candidate.mkdir()
    good_folder(stable)
    (as_good if kind == "good" else KINDS[kind].build)(candidate)
    sources = source_of(candidate), source_of(stable)
    return await tried(*sources, settings_for(None), [], PATIENT_S, room)


def source_of(folder: Path) -> Source:
    serving = open_serving_folder(folder)
    return Source(serving.student, serving.catalogue)
