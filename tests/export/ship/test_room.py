"""What is removed of old ships, and what never is."""

from typing import Any

import pytest

from export.ship.errors import Refused
from export.ship.order import Making
from tests.export.ship.fake_commands import log_of_nights
from tests.export.ship.nights import Nights


def ships(nights: Nights, number: int) -> None:
    for night in range(number):
        one_more(nights, night + 1)


def one_more(nights: Nights, night: int, **changed: Any) -> None:
    nights.world.log = log_of_nights(night)
    nights.world.move("past", "done")
    nights.run(**changed)


def large(nights: Nights, number: int) -> set[str]:
    return {path.name for path in nights.ship(number).folder.iterdir() if path.is_dir()} - {"steps"}


def test_old_ships_keep_only_what_tells_of_them(nights: Nights) -> None:
    ships(nights, 4)
    whole = large(nights, 1)
    assert "serving" in whole
    ran = nights.ship(2).found("rollout")
    one_more(nights, 5, kept=2)
    assert large(nights, 1) == large(nights, 2) == large(nights, 3) == set()
    assert large(nights, 4) == large(nights, 5) == whole
    assert nights.ship(2).found("rollout") == ran is not None
    assert nights.result(2) == "started"
    assert sum("log and models are removed" in line for line in nights.said) == 3


def test_a_ship_that_is_served_stays_whole(nights: Nights) -> None:
    ships(nights, 3)
    nights.world.stable = str(nights.ship(1).folder / "serving")
    one_more(nights, 4, kept=2)
    assert large(nights, 2) == set()
    assert "serving" in large(nights, 1)


def test_a_ship_that_holds_the_teacher_or_the_first_served_folder_stays_whole(
    nights: Nights,
) -> None:
    ships(nights, 4)
    teacher, first = nights.ship(1).folder / "run", nights.ship(2).folder / "serving"
    made_of = Making(data="served:x", teacher=teacher)
    one_more(nights, 5, kept=2, making=made_of, served=first)
    assert large(nights, 3) == set()
    assert "run" in large(nights, 1)
    assert "serving" in large(nights, 2)


def test_nothing_is_removed_by_a_ship_that_does_not_know_who_is_served(nights: Nights) -> None:
    ships(nights, 3)
    whole = large(nights, 1)
    with pytest.raises(Refused, match="give that serving folder as --served"):
        one_more(nights, 4, kept=2, served=None)
    assert large(nights, 1) == whole
