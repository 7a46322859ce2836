"""Whatever the cache does, requests are answered 200 in time, and say what they miss."""

import pytest

from tests.faults.stage import Stage
from tests.faults.switches import CASES, Case
from tests.faults.verdict import endured, is_clear

pytestmark = [pytest.mark.redis, pytest.mark.slow, pytest.mark.alone]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fault_degrades_answers_by_name_and_is_gone_when_it_is_over(
    stage: Stage, case: Case
) -> None:
    assert is_clear(endured(stage, case), case)
