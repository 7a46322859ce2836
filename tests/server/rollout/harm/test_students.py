"""Each kind of harm is what it is called, and its bundle verifies all the same."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from models.features.records import F32, Arrays
from models.manifest import read_manifest
from models.runtime import Model, load
from server.serving_folder import open_serving_folder
from tests.bundles import golden_inputs
from tests.server.rollout.harm.kinds import KINDS, UNFILLED, as_good
from tests.server.rollout.harm.students import CENTRE

SMALL, MANY = 6, 50
FASTEST_OF = 30


def opened(serving: Path) -> Model:
    return load(open_serving_folder(serving).student)


def arrays_of(model: Model, count: int = SMALL) -> Arrays:
    return golden_inputs(model.manifest.features, count)


def logit(model: Model, count: int = SMALL) -> F32:
    return model.run(arrays_of(model, count)).logit[:, 0]


@pytest.fixture(scope="module")
def sound(good_serving: Path) -> Model:
    return opened(good_serving)


@pytest.mark.parametrize("name", KINDS)
def test_bundle_verifies_under_a_version_of_its_own(
    name: str, tmp_path: Path, sound: Model
) -> None:
    model = opened(KINDS[name].build(tmp_path))
    assert model.manifest.name == sound.manifest.name
    assert model.version != sound.version


def test_as_good_a_student_scores_alike(tmp_path: Path, sound: Model) -> None:
    other = opened(as_good(tmp_path))
    assert other.version != sound.version
    np.testing.assert_allclose(logit(other), logit(sound), atol=0.01)


def test_scores_are_spread_about_their_centre(sound: Model) -> None:
    logits = logit(sound, 300)
    assert logits.mean() == pytest.approx(CENTRE, abs=0.3)
    assert 0.5 < logits.std() < 2.0


def test_inverted_ranks_the_other_way_round(tmp_path: Path, sound: Model) -> None:
    other = opened(KINDS["inverted"].build(tmp_path))
    np.testing.assert_array_equal(np.argsort(logit(other)), np.argsort(-logit(sound)))


@pytest.mark.parametrize(
    ("name", "factor"), [("doubled", 2.0), ("halved", 0.5), ("half as much again", 1.5)]
)
def test_probabilities_are_multiplied(
    name: str, factor: float, tmp_path: Path, sound: Model
) -> None:
    other = opened(KINDS[name].build(tmp_path))
    ours, theirs = (m.probabilities(logit(m)[:, None], 0) for m in (other, sound))
    np.testing.assert_allclose(ours, np.minimum(factor * theirs, 0.98), rtol=1e-3)


def test_constant_gives_all_the_same(tmp_path: Path) -> None:
    assert np.ptp(logit(opened(KINDS["constant"].build(tmp_path)))) == 0.0


@pytest.mark.parametrize("name", ["wrong feature order", "wrong space"])
def test_order_by_what_is_read_in_the_wrong_place_is_another(
    name: str, tmp_path: Path, sound: Model
) -> None:
    other = opened(KINDS[name].build(tmp_path))
    assert np.corrcoef(logit(other, MANY), logit(sound, MANY))[0, 1] < 0.7


def test_slow_takes_about_three_times_as_long(tmp_path: Path, sound: Model) -> None:
    other = opened(KINDS["slow"].build(tmp_path))
    np.testing.assert_allclose(logit(other), logit(sound), atol=1e-4)
    took = {model.version: np.inf for model in (sound, other)}
    for _ in range(FASTEST_OF):
        for model in (sound, other):
            arrays, began_s = arrays_of(model, MANY), time.perf_counter()
            model.run(arrays)
            took[model.version] = min(took[model.version], time.perf_counter() - began_s)
    assert 2.0 < took[other.version] / took[sound.version] < 6.0


def test_raising_answers_a_golden_batch_and_fails_in_a_larger_one(tmp_path: Path) -> None:
    model = opened(KINDS["raising"].build(tmp_path))
    with pytest.raises(Exception, match=r"out of .*bounds"):
        logit(model, MANY)


def test_no_number_comes_of_wide_slots_alone(tmp_path: Path) -> None:
    model = opened(KINDS["no number"].build(tmp_path))
    arrays = arrays_of(model)
    arrays["context_number"][0, 0] = 2.0
    is_number = np.isfinite(model.run(arrays).logit[:, 0])
    np.testing.assert_array_equal(is_number, arrays["request_index"] != 0)


def test_killing_ends_the_process_that_runs_it(tmp_path: Path) -> None:
    serving = KINDS["killing"].build(tmp_path)
    code = (
        "import sys; from pathlib import Path; import tests.server.rollout.harm.test_students as t"
        "\nt.logit(t.opened(Path(sys.argv[1])), t.MANY)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(serving)], check=False)
    assert done.returncode == -signal.SIGFPE


def test_student_of_an_unfilled_space_says_so(tmp_path: Path) -> None:
    student = open_serving_folder(KINDS["unfilled space"].build(tmp_path)).student
    assert read_manifest(student)[0].reads_space == UNFILLED
