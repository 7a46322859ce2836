"""Killed anywhere, a ship goes on when it is run again, and starts no second rollout."""

from pathlib import Path

import pytest

from export.ship import ships
from export.ship.errors import NothingNew
from tests.export.ship.fake_commands import Killed
from tests.export.ship.nights import COMMANDS, STEPS, Nights


def instants_of_a_ship(folder: Path) -> int:
    """How many there are to be killed at."""
    whole = Nights(folder)
    whole.run(watches=True)
    return whole.world.instants


def test_killed_anywhere_it_goes_on_and_starts_no_second_rollout(tmp_path: Path) -> None:
    """Before and after the effect of each command, in the measuring, and while it waits."""
    count = instants_of_a_ship(tmp_path / "whole")
    assert count > 2 * len(COMMANDS)
    for instant in range(count):
        nights = Nights(tmp_path / str(instant))
        nights.world.kill_at = instant
        with pytest.raises(Killed):
            nights.run(watches=True)
        assert nights.run(watches=True) == "done", instant
        assert nights.world.started() == ["rollout-0"], instant
        assert nights.result() == "done", instant
        done_twice = [name for name in ("import", *STEPS[:3]) if nights.world.ran.count(name) > 1]
        assert len(done_twice) <= 1, instant
        assert nights.world.ran.count("train") == 1, "a whole run is not trained anew"


def test_killed_between_every_two_files_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each file of its own that a ship writes, before it is there and after."""
    write, written, kill_at = ships._write, [0], [-1]

    def killing(path: Path, facts: ships.Facts) -> None:
        for is_there in (False, True):
            if is_there:
                write(path, facts)
            written[0] += 1
            if written[0] - 1 == kill_at[0]:
                raise Killed

    monkeypatch.setattr(ships, "_write", killing)
    Nights(tmp_path / "whole").run()
    count = written[0]
    assert count > 20
    for instant in range(count):
        written[0], kill_at[0] = 0, instant
        nights = Nights(tmp_path / str(instant))
        with pytest.raises(Killed):
            nights.run()
        kill_at[0] = -1
        is_over = nights.result() is not None
        if is_over:
            with pytest.raises(NothingNew):
                nights.run()
        else:
            assert nights.run() == "started", instant
        assert nights.world.started() == ["rollout-0"], instant


def test_a_rollout_that_was_heard_and_followed_by_another_is_not_started_again(
    nights: Nights,
) -> None:
    nights.world.kill_at = 2 * len(COMMANDS)  # with the measuring, as `rollout start` has answered
    with pytest.raises(Killed):
        nights.run()
    nights.world.move("rollout-0", "rolled_back", "errors")
    nights.world.move("by-hand", "verifying", "another")
    assert nights.run(watches=True) == "rolled_back"
    assert nights.world.started() == ["rollout-0", "by-hand"]
