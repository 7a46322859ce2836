"""A run's students of smaller numbers: bundles that load, with what they cost in the manifest."""

from pathlib import Path

import pytest

from export.errors import QuantisingCosts
from export.export_command import _sources
from export.model_bundle import Source, write_model
from export.quantise.students import Quantising
from models.data.causal import Replay
from models.data.log import Log
from models.manifest import MODEL, read_manifest
from models.run_folder import RunRecord
from models.runtime import load
from tests.trained import small_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("quantise"))


@pytest.fixture(scope="module")
def sources(run: Path) -> list[Source]:
    replay = Replay.of(Log.read(run.parent / "log"))
    return [
        source
        for source in _sources(run, RunRecord.read(run), replay, None)
        if source.name == "student"
    ]


@pytest.fixture(scope="module")
def named(run: Path, sources: list[Source]) -> dict[str, str]:
    return {source.name: write_model(run.parent, source, []).name for source in sources}


def test_smaller_student_loads_and_says_what_it_is(
    run: Path, sources: list[Source], named: dict[str, str]
) -> None:
    quantised = Quantising("int8-tables", 0.01).students(run, run.parent, named, sources)
    whole, small = run.parent / named["student"], run.parent / quantised["student"]
    manifest = load(small).manifest
    assert manifest.quantisation is not None
    assert manifest.quantisation.precision == "int8-tables"
    assert manifest.quantisation.of_version == load(whole).version
    assert set(manifest.quantisation.cost) == set(manifest.tasks)
    assert "click/quantised" in manifest.metrics
    assert (small / MODEL).stat().st_size < 0.6 * (whole / MODEL).stat().st_size


def test_whole_student_does_not_name_what_it_has_not(run: Path, named: dict[str, str]) -> None:
    whole = run.parent / named["student"]
    assert read_manifest(whole)[0].quantisation is None
    assert b"quantisation" not in (whole / "manifest.json").read_bytes()


def test_student_that_costs_more_than_it_may_is_not_written(
    run: Path, sources: list[Source], named: dict[str, str], tmp_path: Path
) -> None:
    before = sorted(run.parent.iterdir())
    with pytest.raises(QuantisingCosts):
        Quantising("int8", -1.0).students(run, run.parent, named, sources)
    assert sorted(run.parent.iterdir()) == before
