import os

import pytest

from loadtest.stack import Stack
from tests.server.workers.scaling import Block, Spent, as_markdown, scaling, spent_by

FACTS = {"date": "2026-11-26", "hardware": "a machine", "command": "python -m …"}


def _blocks(answered: int, gateway_s: float, count: int = 12) -> list[Block]:
    """Each a little other than the last, and both kinds in the same way."""
    return [
        Block(answered + number, 0, 5.0, Spent(gateway_s, 0.5, 2.0, 0.1)) for number in range(count)
    ]


def test_the_factor_is_of_processor_time_and_not_of_throughput() -> None:
    """One worker has its core; two share 1.5 cores with the generator and work as well on them."""
    told = scaling(_blocks(5000, 5.0), _blocks(7500, 7.5))
    assert told is not None
    assert told.factor.value == pytest.approx(2.0, rel=0.01)
    assert told.throughput.value == pytest.approx(1.5, rel=0.01)


def test_workers_that_are_in_each_others_way_are_worth_less() -> None:
    told = scaling(_blocks(5000, 5.0), _blocks(6000, 7.5))
    assert told is not None
    assert told.factor.high < 1.65


def test_the_table_has_both_and_every_process_its_cores() -> None:
    table = as_markdown({1: _blocks(5000, 5.0), 2: _blocks(7500, 7.5)}, FACTS)
    assert "| 1 | 1001 | 1.00 | 0.10 | 0.40 | 0.02 | 1001 | 0 |" in table
    assert "| 2 | 1501 | 1.50 | 0.10 | 0.40 | 0.02 | 1001 | 0 |" in table
    assert "**2.00** (" in table


def test_too_few_rounds_are_told_without_an_interval() -> None:
    table = as_markdown({1: _blocks(5000, 5.0, 3), 2: _blocks(7500, 7.5, 3)}, FACTS)
    assert "Too few rounds" in table


def test_what_was_spent_before_is_not_charged() -> None:
    spent = Spent(3.0, 2.0, 1.0, 0.5).since(Spent(1.0, 1.0, 1.0, 0.5))
    assert spent == Spent(2.0, 1.0, 0.0, 0.0)


def test_processor_time_is_told_by_process() -> None:
    own = os.getpid()
    stack = Stack("", "", {"gateway": own, "valkey": own, "ingest": own, "refresher": own})
    spent = spent_by(stack, 1.5)
    assert spent.generator == 1.5
    assert spent.rest == pytest.approx(2 * spent.gateway, rel=0.2)
