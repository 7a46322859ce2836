"""Triton first, and the student of this process whenever Triton gives nothing to use."""

import asyncio
import subprocess
import sys
from time import perf_counter_ns

import numpy as np
import pytest

from models.manifest import GoldenMismatch
from models.runtime import Model
from models.triton.errors import TritonRefused, TritonTimeout, TritonUnavailable
from server.inference import TritonFirst
from tests.bundles import golden_inputs
from tests.server.conftest import Served
from tests.server.fake_triton import FAILURES, RETRY_S, FakeTriton, first, model, triton
from tests.server.lanes import open_lane

__all__ = ["first", "model", "triton"]

AMPLE_MS = 10_000.0


def reason(first: TritonFirst, model: Model, left_ms: float = AMPLE_MS) -> str | None:
    """Of one run, whose logits are those of the student whoever gave them."""
    arrays = golden_inputs(model.manifest.features)
    ran = first.run(arrays, perf_counter_ns() + int(left_ms * 1e6))
    np.testing.assert_array_equal(ran.logit, model.run(arrays).logit)
    return ran.reason


def test_run_of_triton_is_an_answer_like_any_other(first: TritonFirst, model: Model) -> None:
    assert reason(first, model) is None


def test_triton_gets_half_of_the_time_that_is_left_and_never_more_than_the_limit(
    first: TritonFirst, triton: FakeTriton, model: Model
) -> None:
    for left_ms in (AMPLE_MS, 500.0, -5.0):
        reason(first, model, left_ms)
    ample, half, none = triton.limits_s
    assert ample == triton.timeout_s
    assert 0.2 < half <= 0.25
    assert none == 0.0


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (TritonUnavailable("gone"), "triton_unavailable"),
        (TritonRefused("no"), "triton_unavailable"),
        (ValueError("of a client library"), "triton_unavailable"),
        (TritonTimeout("late"), "triton_timeout"),
    ],
)
def test_student_here_answers_for_a_triton_that_fails_and_soon_does_not_ask_it(
    first: TritonFirst, triton: FakeTriton, model: Model, fault: Exception, named: str
) -> None:
    triton.fault = fault
    told = [reason(first, model) for _ in range(FAILURES + 2)]
    assert told == [named] * FAILURES + ["triton_unavailable"] * 2
    assert len(triton.limits_s) == FAILURES


def test_hurried_callers_do_not_close_triton_to_others(
    first: TritonFirst, triton: FakeTriton, model: Model
) -> None:
    assert reason(first, model) is None
    triton.fault = TritonTimeout("late")
    told = {reason(first, model, left_ms=0.0) for _ in range(2 * FAILURES)}
    assert told == {"triton_timeout"}
    triton.fault = None
    assert reason(first, model) is None


def test_short_deadlines_that_are_long_for_a_run_do_close_it(
    first: TritonFirst, triton: FakeTriton, model: Model
) -> None:
    assert reason(first, model) is None
    triton.fault = TritonTimeout("late")
    told = [reason(first, model, left_ms=400.0) for _ in range(FAILURES + 1)]
    assert told == ["triton_timeout"] * FAILURES + ["triton_unavailable"]


def test_triton_is_asked_again_once_it_gives_the_golden_answers(
    first: TritonFirst, triton: FakeTriton, model: Model
) -> None:
    triton.fault, triton.unproven = TritonUnavailable("gone"), TritonUnavailable("gone")
    for _ in range(FAILURES):
        reason(first, model)
    triton.fault = None
    first.retry()
    assert reason(first, model) == "triton_unavailable"
    triton.unproven = GoldenMismatch("another model came up")
    first.retry()
    assert reason(first, model) == "triton_unavailable"
    triton.unproven = None
    first.retry()
    assert reason(first, model) is None


async def test_watch_finds_out_behind_requests(
    first: TritonFirst, triton: FakeTriton, model: Model
) -> None:
    triton.fault = TritonUnavailable("gone")
    for _ in range(FAILURES):
        reason(first, model)
    triton.fault = None
    watching = asyncio.create_task(first.watch())
    assert await asyncio.to_thread(triton.proven.wait, 10.0)
    await asyncio.sleep(10 * RETRY_S)  # the thread that found out says so
    watching.cancel()
    assert reason(first, model) is None


def test_start_waits_for_no_triton_and_trusts_none_unproven(
    first: TritonFirst, triton: FakeTriton, model: Model
) -> None:
    triton.unproven = TritonUnavailable("not yet")
    first.begin()
    assert reason(first, model) == "triton_unavailable"
    assert triton.limits_s == []


def test_other_model_stops_the_start(first: TritonFirst, triton: FakeTriton) -> None:
    triton.unproven = GoldenMismatch("another model")
    with pytest.raises(GoldenMismatch):
        first.begin()


def test_what_is_no_number_only_at_triton_is_answered_here(
    first: TritonFirst, triton: FakeTriton, model: Model
) -> None:
    triton.answer = lambda outputs: outputs._replace(logit=outputs.logit * np.float32(np.nan))
    told = [reason(first, model) for _ in range(FAILURES + 1)]
    assert told == ["triton_not_finite"] * FAILURES + ["triton_unavailable"]


def test_request_that_is_no_number_anywhere_is_not_tritons_fault(
    first: TritonFirst, model: Model
) -> None:
    arrays = golden_inputs(model.manifest.features)
    bad = arrays | {"item_number": arrays["item_number"] * np.float32(np.nan)}
    for _ in range(2 * FAILURES):
        ran = first.run(bad, perf_counter_ns() + 10**10)
        assert ran.reason is None
        assert np.isnan(ran.logit).all()
    assert reason(first, model) is None


def test_url_of_no_triton_stops_the_start(served: Served) -> None:
    with pytest.raises(ValueError, match="triton://"):
        open_lane(served.student, triton_url="http://gpu-1:8000")


def test_no_tritonclient_is_imported_without_a_url() -> None:
    code = (
        "import sys, server.app, cache.refresh.refresh_command;"
        "sys.exit('tritonclient' in sys.modules or 'grpc' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
