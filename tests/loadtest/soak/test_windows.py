import math
from array import array

import numpy as np
import pytest

from loadtest.run.samples import Samples
from loadtest.run.scenario import Slopes, find_scenario
from loadtest.soak.memory import Memory
from loadtest.soak.slopes import judged
from loadtest.soak.windows import windows_of
from tests.loadtest.run.reports import OK, samples_of


def _memory(resident_mb: list[float]) -> Memory:
    memory = Memory({})
    memory.at_s = array("d", np.arange(len(resident_mb)) + 0.5)
    memory.resident_mb = {"gateway": array("d", resident_mb)}
    return memory


def _samples(seconds: int, rate: int = 400, grows_ms: float = 0.0) -> Samples:
    rows = [OK._replace(due_s=n / rate, latency_ms=5.0 + grows_ms * n / rate)
            for n in range(seconds * rate)]  # fmt: skip
    return samples_of(*rows)


def test_windows_are_cut_by_when_requests_were_due() -> None:
    windows = windows_of(_samples(4, grows_ms=10.0), _memory([1.0, 3.0, 5.0, 7.0]), 4.0, 2.0)
    assert windows.latency_ms["p50"] == pytest.approx([15.0, 35.0], abs=0.1)
    assert windows.rss_mb["gateway"].tolist() == [2.0, 6.0]


def test_a_rest_shorter_than_a_window_is_left_out() -> None:
    windows = windows_of(_samples(5), _memory([1.0] * 5), 5.0, 2.0)
    assert len(windows.latency_ms["p99"]) == 2


def test_a_window_claims_no_p99_of_too_few_answers() -> None:
    windows = windows_of(_samples(4, rate=100), _memory([1.0] * 4), 4.0, 2.0)
    assert all(map(math.isnan, windows.latency_ms["p99"]))
    assert windows.latency_ms["p50"].tolist() == [5.0, 5.0]


def test_what_settles_is_not_judged() -> None:
    """Memory that grows in the first half alone, and a latency that always does."""
    resident = [min(float(second), 20.0) for second in range(40)]
    told = judged(_samples(40, grows_ms=1.0), _memory(resident), 40.0,
                  Slopes(window_s=1.0, settle_s=10.0))  # fmt: skip
    assert told["settled_s"] == 10.0
    assert told["latency_ms_h"]["p50"]["value"] == pytest.approx(3600.0, rel=0.01)
    assert told["rss_mb_h"]["gateway"]["value"] > 0.0
    later = judged(_samples(40), _memory(resident), 40.0, Slopes(window_s=0.5, settle_s=20.0))
    assert later["settled_s"] == 10.0  # a quarter at most
    assert later["rss_mb_h"]["gateway"] == {"needs": 12}  # half of its windows have no reading


def test_the_soak_asks_for_slopes_and_others_do_not() -> None:
    slopes = find_scenario("soak").slopes
    assert slopes is not None
    assert (slopes.settled(3600.0), slopes.settled(480.0)) == (30, 12)
    assert find_scenario("steady").slopes is None


def test_memory_of_a_process_that_ended_is_nan() -> None:
    memory = Memory({"nobody": 2**22 + 1})
    memory.read(0.0)
    assert math.isnan(memory.resident_mb["nobody"][0])
