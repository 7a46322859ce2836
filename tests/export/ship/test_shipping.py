"""What a ship does in its order, what it refuses, and how it ends."""

from pathlib import Path

import pytest

from export.ship.errors import Forgotten, NothingNew, Refused, StepFailed
from export.ship.order import Making
from export.ship.shipping import HOUR_MS
from export.ship.ships import Result
from tests.export.ship.fake_commands import Killed, log_of_nights
from tests.export.ship.nights import COMMANDS, Nights


def test_a_ship_takes_its_steps_in_order_and_starts_a_rollout_to_its_folder(nights: Nights) -> None:
    assert nights.run() == "started"
    assert nights.world.ran == COMMANDS
    assert nights.ship().found("push") == {"to": str(nights.ship().folder / "serving")}
    assert nights.result() == "started"
    assert nights.measured[0].served == nights.order.served / "student-0123456789ab"  # type: ignore[operator]


def test_what_is_kept_of_a_teacher_is_heard_before_the_student_is_trained(nights: Nights) -> None:
    nights.order = nights.order._replace(making=Making(data="served:x", teacher=Path("run")))
    nights.run()
    assert nights.world.ran[1:5] == ["import", "rollout status", "annotate", "train"]


def test_with_a_registry_both_bundles_are_pushed_and_the_student_is_named(nights: Nights) -> None:
    nights.run(is_registered=True)
    assert nights.world.ran.count("bundle push") == 2
    pushed = nights.ship().found("push")
    assert pushed is not None
    assert pushed["to"] == pushed["student"] == "student-0123456789ab"


@pytest.mark.parametrize("ends", ["done", "rolled_back"])
def test_a_watched_ship_ends_as_its_rollout_does(nights: Nights, ends: Result) -> None:
    if ends == "rolled_back":
        nights.next_stages = ["rolled_back"]
    assert nights.run(watches=True) == ends
    assert nights.result() == ends
    assert nights.world.state["stage"] == ends


def test_a_failed_command_is_run_again_and_what_was_done_is_not(nights: Nights) -> None:
    nights.world.failing = "export"
    with pytest.raises(StepFailed):
        nights.run()
    nights.world.failing = ""
    nights.run()
    assert nights.world.ran == COMMANDS


def test_a_running_rollout_is_waited_for_before_anything_is_trained(nights: Nights) -> None:
    nights.world.move("by-hand", "canary", "another")
    with pytest.raises(Refused, match="by-hand is canary: wait until it is over, or abort it"):
        nights.run()
    assert nights.world.ran == ["rollout status", "import", "rollout status"]
    nights.world.move("by-hand", "done")
    assert nights.run() == "started"


def begun_meanwhile(nights: Nights) -> None:
    """A ship whose rollout was refused, since another began while it trained; that one is done."""
    nights.world.meanwhile = lambda: nights.world.move("by-hand", "canary", "another")
    with pytest.raises(StepFailed, match="another rollout is running"):
        nights.run()
    nights.world.move("by-hand", "done")


def test_a_rollout_that_began_meanwhile_refuses_the_start_and_the_ship_waits_for_the_next_run(
    nights: Nights,
) -> None:
    begun_meanwhile(nights)
    assert nights.run() == "started"
    assert nights.world.ran.count("train") == len(nights.measured) == 1


def test_who_is_served_since_is_measured_against_before_the_rollout(nights: Nights) -> None:
    begun_meanwhile(nights)
    nights.world.stable = "student-ba9876543210"
    nights.log_loss["served"] = 0.1
    with pytest.raises(Refused, match="worse"):
        nights.run()
    assert str(nights.measured[1].served) == "/cache/student-ba9876543210"
    assert nights.result() == "refused"
    assert nights.world.started() == []


def test_a_worse_student_is_not_shipped(nights: Nights) -> None:
    nights.log_loss["new"] = 0.2021
    with pytest.raises(Refused, match=r"1\.05% worse, more than 1\.00%"):
        nights.run()
    assert nights.result() == "refused"
    assert nights.world.started() == []
    assert "bundle push" not in nights.world.ran
    with pytest.raises(NothingNew):  # the same log would make the same student
        nights.run()
    nights.world.log = log_of_nights(2)
    nights.log_loss["new"] = 0.2019
    assert nights.run() == "started"


def test_too_little_that_is_new_trains_nothing(nights: Nights) -> None:
    nights.run()
    nights.world.ran.clear()
    with pytest.raises(NothingNew, match=r"^0 labelled impressions are new .* --least 10"):
        nights.run()
    assert nights.world.ran == ["rollout status", "import"]
    assert not nights.ship(2).folder.exists()
    nights.world.log = log_of_nights(2)
    with pytest.raises(NothingNew):
        nights.run(least=100_000)
    nights.world.move("rollout-0", "done")
    assert nights.run() == "started"
    assert nights.result(2) == "started"


def test_another_night_measures_against_what_is_served_by_then(nights: Nights) -> None:
    first = nights.ship().folder / "serving"
    for night, stable in enumerate(("", str(first), "student-ba9876543210"), start=1):
        nights.world.log = log_of_nights(night)
        nights.world.stable = stable
        nights.run()
        nights.world.move(nights.world.state["rollout"], "done")
    assert [str(each.served) for each in nights.measured[1:]] == [
        str(first / "student-0123456789ab"),
        "/cache/student-ba9876543210",
    ]


def test_who_is_served_must_be_known(nights: Nights) -> None:
    with pytest.raises(Refused, match="give that serving folder as --served"):
        nights.run(served=None)
    assert nights.world.ran == ["rollout status"]
    with pytest.raises(Refused, match="nowhere is no serving folder"):
        nights.run(served=Path("nowhere"))
    assert nights.run() == "started"


def test_who_is_served_may_be_told_later(nights: Nights) -> None:
    nights.world.failing = "export"
    with pytest.raises(StepFailed):
        nights.run()
    nights.world.failing = ""
    with pytest.raises(Refused, match="--served"):
        nights.run(served=None)
    assert nights.run() == "started"
    assert nights.world.ran.count("train") == 1


def test_other_options_are_refused_until_the_ship_is_old(nights: Nights) -> None:
    nights.world.failing = "train"
    with pytest.raises(StepFailed):
        nights.run()
    nights.world.failing = ""
    other = Making(data="served:y")
    with pytest.raises(Refused, match="was begun with"):
        nights.run(making=other)
    nights.now_ms += 20 * HOUR_MS
    assert nights.run(making=other) == "started"
    assert (nights.result(1), nights.result(2)) == ("abandoned", "started")


def test_a_rollout_that_the_history_forgot_is_not_waited_for(nights: Nights) -> None:
    nights.meanwhile = nights.world.rollouts.clear
    with pytest.raises(Forgotten, match="knows no rollout rollout-0"):
        nights.run(watches=True)
    assert nights.result() == "forgotten"
    nights.world.log = log_of_nights(2)
    assert nights.run() == "started"


def test_an_old_ship_that_has_asked_is_followed_whatever_is_asked_of_the_next(
    nights: Nights,
) -> None:
    nights.world.kill_at = 2 * len(COMMANDS) + 2  # as it waits
    with pytest.raises(Killed):
        nights.run(watches=True)
    nights.now_ms += 24 * HOUR_MS
    nights.world.ran.clear()
    nights.world.log = log_of_nights(2)
    nights.run(watches=True, making=Making(data="served:x", teacher=Path("run")))
    assert nights.result(1) == "done"
    assert nights.world.ran.count("annotate") == nights.world.ran.count("train") == 1


def test_an_old_ship_whose_rollout_runs_is_followed_before_the_next_begins(nights: Nights) -> None:
    nights.world.kill_at = 2 * len(COMMANDS) + 2  # as it waits
    with pytest.raises(Killed):
        nights.run(watches=True)
    nights.now_ms += 24 * HOUR_MS
    nights.world.log = log_of_nights(2)
    assert nights.run(watches=True) == "done"
    assert (nights.result(1), nights.result(2)) == ("done", "done")
    assert nights.world.started() == ["rollout-0", "rollout-1"]
