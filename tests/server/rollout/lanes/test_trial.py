"""What a trial finds, in this process: none of these bundles ends one."""

import re
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from safetensors.numpy import load_file
from safetensors.numpy import save as to_safetensors

from export.bundle import write_bundle
from export.registry.signing import make_keys, sign_folder
from models.manifest import GOLDEN, read_manifest
from server.open_lane import Source
from server.rollout.lanes.attempt import check, check_room
from server.rollout.lanes.errors import NoRoom, TrialFailed
from server.rollout.lanes.memory import Memory
from server.rollout.lanes.trial import tried
from server.rollout.lanes.trial_wire import Asked, Verdict
from server.rollout.plan import DEFAULT, DIRECT
from server.wire import RankRequest
from tests.bundles import linear_student, rank_body
from tests.server.live import settings_for
from tests.server.rollout.harm.kinds import KINDS, as_good, good
from tests.server.rollout.lanes.test_trial_process import source_of


@pytest.fixture(scope="module")
def stable(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return source_of(good(tmp_path_factory.mktemp("stable")))


async def verdict(candidate: Source, stable: Source, *requests: Any, **settings: Any) -> Verdict:
    told = settings_for(None, **settings).model_dump(mode="json", exclude={"bundle"})
    return await tried(candidate, stable, Asked(told, [*requests]))


async def test_nothing_speaks_against_a_bundle_as_good(stable: Source, tmp_path: Path) -> None:
    found = await verdict(source_of(as_good(tmp_path)), stable)
    check(found, DEFAULT.model_copy(update={"slowdown": 5.0}))
    assert found.version == read_manifest(source_of(tmp_path).bundle)[1]


@pytest.mark.parametrize("kind", ["raising", "constant"])
async def test_harm_that_a_few_requests_show_is_found(
    stable: Source, tmp_path: Path, kind: str
) -> None:
    found = await verdict(source_of(KINDS[kind].build(tmp_path)), stable)
    assert re.search(KINDS[kind].reason, found.reason)
    with pytest.raises(TrialFailed):
        check(found, DIRECT)


async def test_request_of_late_shows_what_those_of_the_bundle_do_not(
    stable: Source, tmp_path: Path
) -> None:
    candidate = source_of(KINDS["no number"].build(tmp_path))
    wide = {"context": {"placement": "feed", "slot_width": 1e6}}
    late = msgspec.convert(rank_body("u", 20) | wide, RankRequest)
    assert (await verdict(candidate, stable)).reason == ""
    assert "not_finite" in (await verdict(candidate, stable, late)).reason


async def test_slow_bundle_is_told_by_how_much(stable: Source, tmp_path: Path) -> None:
    found = await verdict(source_of(KINDS["slow"].build(tmp_path)), stable)
    assert found.slowdown > 1.5
    assert found.work > 0.0
    with pytest.raises(TrialFailed, match="times the inference of the stable bundle"):
        check(found, DEFAULT)
    check(found, DIRECT)  # which asks no statistics


async def test_bundle_that_breaks_its_golden_answers_is_refused(
    stable: Source, tmp_path: Path
) -> None:
    manifest, _ = read_manifest(stable.bundle)
    files = {name: (stable.bundle / name).read_bytes() for name in manifest.files}
    golden = load_file(stable.bundle / GOLDEN)
    golden["output.logit"] = golden["output.logit"] + 1.0
    files[GOLDEN] = to_safetensors(golden)
    broken = write_bundle(tmp_path, manifest.model_dump(exclude={"files"}), files)
    found = await verdict(Source(broken, stable.catalogue), stable)
    assert "differs from its golden answer" in found.reason


async def test_bundle_without_a_trusted_signature_is_refused(
    stable: Source, tmp_path: Path
) -> None:
    keys = make_keys(tmp_path / "release")
    signed, unsigned = tmp_path / stable.bundle.name, tmp_path / "unsigned"
    shutil.copytree(stable.bundle, signed)
    sign_folder(signed, keys.private)
    unsigned.mkdir()
    candidate = source_of(as_good(unsigned))
    found = await verdict(candidate, Source(signed, stable.catalogue), trusted_keys=keys.public)
    assert "signature" in found.reason


async def test_student_of_another_model_is_refused(stable: Source, tmp_path: Path) -> None:
    alone = linear_student(tmp_path, teacher_dim=0)
    found = await verdict(Source(alone, stable.catalogue), stable)
    assert "the model is alone, and student is served" in found.reason


def test_bundle_without_room_is_refused_before_and_after_it_is_tried() -> None:
    held = Memory(limit=1000 << 20, used=800 << 20)
    check_room(100 << 20, held, DEFAULT)
    with pytest.raises(NoRoom, match=r"it takes 101 MiB and 100 are left of memory_share 0.9"):
        check_room(101 << 20, held, DEFAULT)


def test_memory_of_a_trial_is_said_to_be_its() -> None:
    with pytest.raises(NoRoom, match="its trial takes 2 MiB and 1 are left"):
        check_room(2 << 20, Memory(limit=10 << 20, used=8 << 20), DEFAULT, "its trial")
