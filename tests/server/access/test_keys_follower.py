import logging
import os
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from server.access.door import Door
from server.access.keys_follower import KeysFollower
from server.errors import Unauthorized
from tests.server.access.keys import entry, shown, write_keys


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_keys(tmp_path / "keys.toml", entry("old"))


@pytest.fixture
def door(path: Path) -> Door:
    return Door(path, CollectorRegistry())


def comes_in(door: Door, secret: str) -> bool:
    try:
        door.check(shown(secret))
    except Unauthorized:
        return False
    return True


def test_changed_file_is_taken_over(path: Path, door: Door) -> None:
    follower = KeysFollower(path, door)
    follower.look()
    write_keys(path, entry("new"))
    os.utime(path, ns=(1, 1))
    follower.look()
    assert (comes_in(door, "old"), comes_in(door, "new")) == (False, True)


def test_broken_file_leaves_the_keys_as_they_were_and_is_said_once(
    path: Path, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    follower = KeysFollower(path, door)
    write_keys(path, "name = ")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            follower.look()
    assert comes_in(door, "old")
    assert door.metrics.is_stale
    assert len(caplog.messages) == 1


def test_file_that_is_gone_leaves_the_keys_as_they_were(
    path: Path, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    follower = KeysFollower(path, door)
    follower.look()
    path.unlink()
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            follower.look()
    assert comes_in(door, "old")
    assert len(caplog.messages) == 1
    write_keys(path, entry("new"))
    follower.look()
    assert comes_in(door, "new")
    assert not door.metrics.is_stale
