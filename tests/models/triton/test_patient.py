"""Whether it is Triton that fails or the batch, the golden batch tells."""

from pathlib import Path

import pytest

from models.features.records import Arrays
from models.manifest import GoldenMismatch
from models.runtime import Outputs, load
from models.triton.errors import TritonError, TritonRefused, TritonTimeout, TritonUnavailable
from models.triton.patient import PatientModel
from tests.bundles import golden_inputs, linear_teacher


class Away(Exception):
    pass


def _away(error: TritonError) -> Away:
    return Away(str(error))


class Scripted:
    """Fails with each of these in turn, then answers."""

    def __init__(self, folder: Path) -> None:
        self.model = load(folder)
        self.manifest, self.version = self.model.manifest, self.model.version
        self.faults: list[Exception] = []
        self.unproven: list[Exception] = []
        self.proofs = 0

    def run(self, arrays: Arrays) -> Outputs:
        if self.faults:
            raise self.faults.pop(0)
        return self.model.run(arrays)

    def prove(self) -> None:
        self.proofs += 1
        if self.unproven:
            raise self.unproven.pop(0)


@pytest.fixture
def scripted(tmp_path: Path) -> Scripted:
    return Scripted(linear_teacher(tmp_path))


@pytest.fixture
def arrays(scripted: Scripted) -> Arrays:
    return golden_inputs(scripted.manifest.features)


def test_model_is_proven_once_before_its_first_run(scripted: Scripted, arrays: Arrays) -> None:
    patient = PatientModel(scripted, _away)
    assert scripted.proofs == 0
    patient.run(arrays)
    patient.run(arrays)
    assert scripted.proofs == 1


def test_triton_that_is_away_is_proven_again_when_it_is_back(
    scripted: Scripted, arrays: Arrays
) -> None:
    patient = PatientModel(scripted, _away)
    scripted.faults = [TritonUnavailable("gone")]
    with pytest.raises(Away, match="gone"):
        patient.run(arrays)
    scripted.unproven = [TritonUnavailable("still gone")]
    with pytest.raises(Away, match="still gone"):
        patient.run(arrays)
    patient.run(arrays)
    assert scripted.proofs == 3


def test_triton_that_hangs_is_away(scripted: Scripted, arrays: Arrays) -> None:
    patient = PatientModel(scripted, _away)
    patient.run(arrays)
    scripted.faults, scripted.unproven = [TritonTimeout("late")], [TritonTimeout("late too")]
    with pytest.raises(Away, match="late too"):
        patient.run(arrays)


def test_batch_that_is_late_twice_where_the_golden_one_is_not_is_at_fault(
    scripted: Scripted, arrays: Arrays
) -> None:
    patient = PatientModel(scripted, _away)
    scripted.faults = [TritonTimeout("late"), TritonTimeout("late again")]
    with pytest.raises(TritonTimeout, match="late again"):
        patient.run(arrays)


def test_batch_that_is_refused_is_at_fault(scripted: Scripted, arrays: Arrays) -> None:
    scripted.faults = [TritonRefused("no such row"), TritonRefused("no such row")]
    with pytest.raises(TritonRefused):
        PatientModel(scripted, _away).run(arrays)


def test_triton_that_was_started_again_meanwhile_is_asked_again(
    scripted: Scripted, arrays: Arrays
) -> None:
    scripted.faults = [TritonRefused("no such region")]
    PatientModel(scripted, _away).run(arrays)


def test_triton_that_goes_away_while_it_is_asked_again_is_away(
    scripted: Scripted, arrays: Arrays
) -> None:
    scripted.faults = [TritonTimeout("late"), TritonUnavailable("gone")]
    with pytest.raises(Away):
        PatientModel(scripted, _away).run(arrays)


def test_other_model_is_never_run(scripted: Scripted, arrays: Arrays) -> None:
    scripted.unproven = [GoldenMismatch("another model")]
    with pytest.raises(GoldenMismatch):
        PatientModel(scripted, _away).run(arrays)
