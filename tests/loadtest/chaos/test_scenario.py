import pytest

from loadtest.chaos import scenario
from loadtest.chaos.scenario import Chaos, built_in, chosen
from loadtest.errors import ScenarioInvalid
from loadtest.run.arrivals import arrivals

SETTLES_S = 1.8
"""A scenario's calm before, and what is waited for afterwards."""
STARTS_S = 12.0
HARMS = {"kill", "pause", "slow", "no-space", "network", "change", "limit", "crowd", "rollout"}


def test_every_kind_of_harm_is_done_by_some_scenario_within_eight_minutes() -> None:
    every = list(built_in().values())
    assert len(every) >= 20
    assert {harm.act for chaos in every for harm in chaos.harms} == HARMS
    starts = 1 + sum(chaos.is_last for chaos in every)
    assert sum(chaos.seconds + SETTLES_S for chaos in every) + STARTS_S * starts <= 8 * 60


@pytest.mark.parametrize("name", sorted(built_in()))
def test_a_scenario_leaves_time_before_and_after_its_harm(name: str) -> None:
    chaos = built_in()[name]
    begin, end = chaos.window
    assert chaos.about.endswith(".")
    assert begin * chaos.seconds >= 1.3
    assert (1.0 - end) * chaos.seconds >= min(chaos.recover_s, 3.0) + 1.0
    assert 230 <= len(arrivals(chaos.profile, 30.0, chaos.seconds, 1)) <= 1000


def test_all_is_all_and_names_keep_the_order_of_the_file() -> None:
    assert [each.name for each in chosen(["all"])] == list(built_in())
    assert [each.name for each in chosen(["worker-killed", "valkey-killed"])] == [
        "valkey-killed",
        "worker-killed",
    ]


@pytest.mark.parametrize("names", [[], ["worker-kiled"]])
def test_an_unknown_name_lists_those_that_are(names: list[str]) -> None:
    with pytest.raises(ScenarioInvalid, match="valkey-killed"):
        chosen(names)


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        ({"act": "pause", "process": "valkey", "from": 0.5}, "until"),
        ({"act": "kill", "process": "valkey", "from": 0.5, "until": 0.6}, "leave `until` out"),
        ({"act": "kill", "process": "postgres", "from": 0.5}, "process"),
        ({"act": "burn", "from": 0.5}, "burn"),
    ],
)
def test_a_wrong_harm_is_named(harm: dict[str, object], named: str) -> None:
    with pytest.raises(ScenarioInvalid, match=named):
        scenario._chaos("mine", {"about": "It.", "harms": [harm]})


def test_a_network_tells_the_proxy_no_more_than_what_is_wrong() -> None:
    [harm] = chaos_of({"act": "network", "delay_ms": 50, "from": 0.1, "until": 0.2}).harms
    assert harm.words == "network: delay_ms 50"


def chaos_of(*harms: dict[str, object]) -> Chaos:
    return Chaos.model_validate({"name": "t", "about": "It.", "harms": harms})
