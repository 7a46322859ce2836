"""What the command does and refuses before Ray is started."""

import asyncio
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cache.errors import StoreUnavailable
from cache.refresh.backfill.errors import RayUnavailable
from cache.refresh.backfill.worker import BlockWorker
from cache.refresh.backfill_command import run
from tests.cache.refresh.backfilled import Prepare, wanted_of
from understudy import build

pytestmark = pytest.mark.redis

NOWHERE = "unix:///nowhere/valkey.sock"


@pytest.mark.usefixtures("ten_users")
def test_worker_does_one_block_and_notes_it(
    teacher_bundle: Path, catalogue_file: Path, redis_url: str, tmp_path: Path
) -> None:
    prepare = Prepare(teacher_bundle, catalogue_file, redis_url, tmp_path / "progress")
    begun = asyncio.run(prepare(block_pairs=24))
    worker = BlockWorker(begun.job)
    told = worker({"block": [1]})
    assert told["computed"].tolist() == [3 * 8]
    assert [path.name for path in (tmp_path / "progress" / "done").iterdir()] == ["00000001.json"]
    worker.close()


def refused(*arguments: str) -> Exception:
    given = ["backfill", "--redis-url", NOWHERE, *arguments]
    told = CliRunner().invoke(build(given), given).exception
    assert isinstance(told, Exception)
    return told


def test_server_that_is_away_is_said_before_anything_is_done(
    teacher_bundle: Path, catalogue_file: Path
) -> None:
    given = ("--teacher", str(teacher_bundle), "--catalogue", str(catalogue_file))
    told = refused(*given, "--policy", "recent", "--users", "all", "--context", "placement=feed")
    assert isinstance(told, StoreUnavailable)
    assert "is the server at UNDERSTUDY_REDIS_URL up" in str(told)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--policy", "best"), "--policy best is none: give one of popular, recent, candidates"),
        (("--policy", "recent", "--context", "feed"), "--context feed: give it as NAME=VALUE"),
        (("--policy", "recent", "--ray-address", "a:1"), "give a folder that every machine"),
        (("--policy", "recent", "--as-of-ms", str(1 << 50)), "is not yet"),
    ],
)
def test_wrong_arguments_are_refused(arguments: tuple[str, ...], told: str) -> None:
    assert told in str(refused("--teacher", "a", "--catalogue", "b", *arguments))


@pytest.mark.usefixtures("ten_users")
def test_missing_ray_names_the_extra_to_install(
    teacher_bundle: Path,
    catalogue_file: Path,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RayUnavailable, match=r"pip install 'understudy\[backfill\]'"):
        run(wanted_of(teacher_bundle, catalogue_file, redis_url), tmp_path / "p", 1, None)
