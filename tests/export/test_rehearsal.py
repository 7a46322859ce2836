import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from export.rehearsal import HINTS, deafened, edited, inverted, prepare
from models.features.records import F32, Arrays
from models.manifest import GOLDEN
from models.registry.reference import Reference
from models.registry.registry import Registry
from models.runtime import golden_inputs, load
from tests.bundles import linear_student, serving_folder


def _inputs(bundle: Path) -> Arrays:
    return golden_inputs(load_file(bundle / GOLDEN), load(bundle).manifest)


def _logits(bundle: Path, inputs: Arrays) -> F32:
    """Of a bundle that verifies: hashes, graph and golden answers."""
    logits: F32 = load(bundle).run(inputs).logit
    return logits


@pytest.fixture
def student(tmp_path: Path) -> Path:
    return linear_student(tmp_path)


def test_deaf_student_says_what_the_good_one_says_without_hints(
    student: Path, tmp_path: Path
) -> None:
    deaf, inputs = edited(tmp_path / "deaf", student, deafened), _inputs(student)
    silent = {
        name: np.zeros_like(each) if name.startswith(HINTS) else each
        for name, each in inputs.items()
    }
    assert not np.allclose(_logits(student, inputs), _logits(student, silent))
    np.testing.assert_allclose(_logits(deaf, inputs), _logits(student, silent), atol=1e-5)


def test_inverted_student_has_the_order_backwards_and_the_mean_as_before(
    student: Path, tmp_path: Path
) -> None:
    wrong, inputs = edited(tmp_path / "wrong", student, inverted), _inputs(student)
    good, bad = _logits(student, inputs), _logits(wrong, inputs)
    assert np.array_equal(np.argsort(good[:, 0]), np.argsort(bad[:, 0])[::-1])
    np.testing.assert_allclose(bad.mean(axis=0), good.mean(axis=0), atol=1e-4)


def test_rehearsal_starts_from_the_deaf_one_and_can_pull_the_others(tmp_path: Path) -> None:
    serving, out, said = tmp_path / "serving", tmp_path / "out", list[str]()
    serving.mkdir()
    serving_folder(serving)
    for _ in range(2):  # what was there goes
        prepare(serving, out, said.append)
    told = json.loads((out / "rehearsal.json").read_text())
    before, after = (
        json.loads((folder / "serving.json").read_text()) for folder in (serving, out / "serving")
    )
    assert told["better"] == before["student"]
    assert (told["first"], after["teacher"]) == (after["student"], before["teacher"])
    assert len(set(told.values())) == 3
    held = {each.reference for each in Registry.open(f"file://{out / 'registry'}").bundles()}
    assert held == {Reference.parse(told[name]) for name in ("better", "harmful")}
