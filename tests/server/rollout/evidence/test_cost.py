"""The measurement runs, and orders what is counted as it must be."""

import re

import pytest

from server.rollout.evidence.cost import cost


def test_who_is_not_counted_costs_a_fraction(capsys: pytest.CaptureFixture[str]) -> None:
    cost(candidates=50, calls=200, rounds=3)
    told = dict(re.findall(r"^\| (.+) \| ([\d.]+) \|$", capsys.readouterr().out, re.MULTILINE))
    assert len(told) == 6
    assert 5 * float(told["stable, not counted"]) < float(told["canary, counted, no labels"])
