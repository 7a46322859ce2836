from cache.standing import Standing
from server.rollout.presence import Presence, alive, forgotten, read_fleet
from tests.server.rollout.states import NOW_MS, presence


def test_presence_comes_back_and_an_unreadable_one_is_left_out() -> None:
    told = presence(seen=3, held=2, ready=1, fills=True, detail="µ")
    fleet = read_fleet({"a": told.encode(), "b": b"{", "c": b'{"seen_ms": "x"}'})
    assert fleet == {"a": told}
    assert fleet["a"].standing == Standing(3, 2, 1)


def test_gateway_is_alive_for_five_seconds_and_remembered_for_an_hour() -> None:
    ages_ms = {"now": 0, "ahead": -3_000, "late": 5_000, "dead": 5_001, "gone": 3_600_001}
    fleet = {name: Presence(seen_ms=NOW_MS - age_ms) for name, age_ms in ages_ms.items()}
    assert set(alive(fleet, NOW_MS)) == {"now", "ahead", "late"}
    assert forgotten(fleet, NOW_MS) == ["gone"]
