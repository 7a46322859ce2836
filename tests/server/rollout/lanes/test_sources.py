from pathlib import Path

import pytest

from server.open_lane import Source
from server.rollout.lanes.errors import WhereUnknown
from server.rollout.lanes.sources import source_of
from tests.registries import filled
from tests.server.conftest import Served
from tests.server.live import settings_for


def test_nothing_is_what_the_gateway_was_started_with(served: Served) -> None:
    first = Source(served.student)
    assert source_of("", first, settings_for(served.student)) is first


def test_folder_is_its_student_and_its_catalogue(served: Served) -> None:
    source = source_of(str(served.folder), Source(served.alone), settings_for(served.alone))
    assert source == Source(served.student, served.folder / "catalogue.safetensors")


@pytest.fixture
def registry(served: Served, tmp_path: Path) -> str:
    filled("file", tmp_path, served.student)
    return f"file://{tmp_path}/registry"


def test_name_and_version_are_pulled_and_go_with_the_catalogue_of_the_start(
    served: Served, registry: str, tmp_path: Path
) -> None:
    cache = tmp_path / "pulled"
    settings = settings_for(served.student, registry=registry, registry_cache=cache)
    source = source_of(served.student.name, Source(served.student), settings)
    assert source.bundle == cache / served.student.name
    assert source.catalogue == served.folder / "catalogue.safetensors"


def test_bundle_that_the_registry_does_not_have_is_unknown(
    served: Served, registry: str, tmp_path: Path
) -> None:
    settings = settings_for(served.student, registry=registry, registry_cache=tmp_path / "pulled")
    with pytest.raises(WhereUnknown, match="student-0123456789ab"):
        source_of("student-0123456789ab", Source(served.student), settings)


@pytest.mark.parametrize("where", ["no name", "../elsewhere", "student-latest"])
def test_what_is_neither_is_unknown(served: Served, registry: str, where: str) -> None:
    settings = settings_for(served.student, registry=registry)
    with pytest.raises(WhereUnknown, match="is no bundle"):
        source_of(where, Source(served.student), settings)
