from typing import Any

import numpy as np
import pytest

from tests.loadtest.k6.page import DUE, SENT, agreement, as_markdown, middle
from tests.loadtest.k6.summary import ITERATION, REQUEST, Block, SummaryUnread, Timed, block_of
from tests.loadtest.measure_k6 import body_of, in_turns

FACTS = {"date": "2026-11-26", "hardware": "a machine", "k6": "v1.1.0", "rate": 100.0,
         "command": "python -m tests.loadtest.measure_k6 build/demo"}  # fmt: skip


def _trend(count: int, p50_ms: float, p99_ms: float) -> dict[str, Any]:
    values = {"count": count, "med": p50_ms, "p(99)": p99_ms, "max": p99_ms}
    return {"type": "trend", "contains": "time", "values": values}


def _summary(**more: Any) -> dict[str, Any]:
    """As `handleSummary` is given it: all, and what the scenario `steady` has of it."""
    steady = "{scenario:steady}"
    return {
        "root_group": {"name": "", "checks": []},
        "metrics": {
            "http_req_duration": _trend(2200, 9.0, 90.0),
            f"http_req_duration{steady}": _trend(2000, 2.0, 6.0),
            f"iteration_duration{steady}": _trend(2000, 2.3, 6.5),
            f"http_req_failed{steady}": {"values": {"rate": 0.001, "passes": 2, "fails": 1998}},
            **more,
        },
    }


def _block(p50_ms: float, names: tuple[str, str], cpu_us: float) -> Block:
    return Block({name: Timed(p50_ms, 3.0 * p50_ms) for name in names}, 2000, 0, 0, cpu_us)


def _blocks(ours: float, k6: float, rounds: int = 8) -> dict[str, list[Block]]:
    wander = [1.0 + 0.01 * (number % 3) for number in range(rounds)]
    return {
        "ours": [_block(ours * each, (DUE, SENT), 150.0) for each in wander],
        "k6": [_block(k6 * each, (REQUEST, ITERATION), 450.0) for each in wander],
    }


def test_the_warm_up_is_in_the_cost_and_not_in_the_times() -> None:
    block = block_of(_summary(), cpu_s=1.1)
    assert block.timed == {REQUEST: (2.0, 6.0), ITERATION: (2.3, 6.5)}
    assert (block.requests, block.failed, block.dropped) == (2000, 2, 0)
    assert block.cpu_us == pytest.approx(500.0)


def test_iterations_that_were_never_begun_are_told() -> None:
    dropped = {"dropped_iterations": {"values": {"count": 7, "rate": 0.35}}}
    assert block_of(_summary(**dropped), 1.0).dropped == 7


def test_a_summary_of_another_script_is_refused() -> None:
    summary = _summary()
    del summary["metrics"]["iteration_duration{scenario:steady}"]
    with pytest.raises(SummaryUnread, match="iteration_duration"):
        block_of(summary, 1.0)


def test_equal_figures_agree_and_the_table_says_so() -> None:
    table = as_markdown(_blocks(2.04, 2.0), FACTS)
    assert "| the first ÷ the third | **1.020** (1.020 to 1.020) | **1.020**" in table
    assert "p50 within 5%; p99 within 5%. Failed or dropped: ours 0 of 16000" in table


def test_figures_that_are_apart_do_not_agree() -> None:
    one = agreement(_blocks(2.4, 2.0), "p50_ms")
    assert one is not None
    assert one.low > 1.1
    assert "p50 not within 5%" in as_markdown(_blocks(2.4, 2.0), FACTS)


def test_five_rounds_are_too_few() -> None:
    assert agreement(_blocks(2.0, 2.0, rounds=5), "p50_ms") is None
    assert "too few rounds" in as_markdown(_blocks(2.0, 2.0, rounds=5), FACTS)
    assert agreement(_blocks(2.0, 2.0, rounds=6), "p50_ms") is not None


def test_a_middle_holds_the_middle_of_its_blocks() -> None:
    one = middle(np.array([1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 9.0]))
    assert one is not None
    assert one.low < 1.35 < one.high
    assert one.value < 1.6  # one stray block does not carry it off


def test_k6_is_given_the_bytes_that_we_send() -> None:
    assert body_of(b'POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"a": "\xc3\xa9"}') == '{"a": "é"}'


def test_each_side_is_measured_once_a_round() -> None:
    made = _block(2.0, (DUE, SENT), 1.0)
    blocks = in_turns({"ours": lambda: made, "k6": lambda: made}, 4)
    assert [len(each) for each in blocks.values()] == [4, 4]
