import re
from time import perf_counter_ns

from server.stages import STAGES, StageClock


def test_stages_add_up_to_the_total() -> None:
    clock = StageClock()
    for stage in STAGES:
        clock.mark(stage)
    assert sum(clock.spent_ns.values()) == clock.total_ns


def test_time_before_its_turn_is_queue() -> None:
    clock = StageClock(arrived_ns=perf_counter_ns() - 5_000_000)
    clock.mark("decode")
    assert clock.spent_ns["queue"] >= 5_000_000
    assert sum(clock.spent_ns.values()) == clock.total_ns
    assert clock.elapsed_ms >= 5.0


def test_header_adds_up_as_printed() -> None:
    clock = StageClock()
    clock.spent_ns = {stage: 1_234_567 + 999 * n for n, stage in enumerate(STAGES)}
    durations = re.findall(r"(\w+);dur=([\d.]+)", clock.server_timing().decode())
    *stages, (last, total) = [(name, float(value)) for name, value in durations]
    assert [name for name, _ in stages] == list(STAGES)
    assert last == "total"
    assert round(sum(value for _, value in stages), 3) == total
