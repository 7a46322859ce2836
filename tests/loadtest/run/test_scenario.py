from pathlib import Path

import pytest

from loadtest.errors import LoadInvalid, ProcessMissing, ScenarioInvalid
from loadtest.run.faults import NOWHERE, Staging, check
from loadtest.run.scenario import as_toml, built_in, find_scenario
from loadtest.stack import Stack

NAMES = {
    "steady", "ramp", "spike", "soak", "cold-cache", "hot-users", "redis-down", "teacher-down",
    "rollout", "mixed-sizes",
}  # fmt: skip


def test_every_named_scenario_is_there_and_says_what_it_shows() -> None:
    assert built_in().keys() == NAMES
    assert all(scenario.about for scenario in built_in().values())


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_printed_scenario_is_a_scenario_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.toml"
    path.write_text(as_toml(name))
    assert find_scenario(str(path)) == find_scenario(name)


def test_an_unknown_name_lists_those_that_are() -> None:
    with pytest.raises(ScenarioInvalid, match="steady, ramp"):
        find_scenario("stedy")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("profile = [[0.0, 1.0], [0.5, 1.0]]", "from 0 to 1"),
        ("profile = [[0.0, 0.0], [1.0, 0.0]]", "send something"),
        ("profile = [[0.0, 1.0], [1.0, 1.0]]\nskew = 1", "skew"),
        ("profile = [[0.0, 1.0], [1.0, 1.0]]\nfaults = [{process='valkey', act='pause', from=0.5}]",
         "until"),
        ("profile = [", "mine.toml"),
    ],
)  # fmt: skip
def test_a_wrong_file_names_the_field(text: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ScenarioInvalid, match=named):
        find_scenario(str(path))


@pytest.mark.parametrize("name", ["redis-down", "teacher-down", "rollout"])
def test_processes_of_others_are_left_alone(name: str) -> None:
    with pytest.raises(LoadInvalid, match="--up"):
        check(find_scenario(name), NOWHERE)


def test_a_redis_given_by_url_is_left_alone() -> None:
    stack = Stack("http://127.0.0.1:1", "redis://elsewhere", {"gateway": 1})
    with pytest.raises(ProcessMissing, match="no valkey of its own"):
        check(find_scenario("redis-down"), Staging(stack, None))


def test_a_rollout_needs_a_student() -> None:
    stack = Stack("http://127.0.0.1:1", "redis://elsewhere", {})
    with pytest.raises(LoadInvalid, match="--to"):
        check(find_scenario("rollout"), Staging(stack, None))
