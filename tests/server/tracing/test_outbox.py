import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from server.collectors import Counts
from server.tracing.operation import post
from server.tracing.outbox import BATCH, Outbox
from server.tracing.trace import Finished, Ids
from tests.server.live import wait_until

FINISHED = Finished(
    post("/v1/rank"), Ids(1, 2, 3, 0, ""), 0, 0, 10, (("decode", 5), ("encode", 10)), {}, None
)
SPANS = 3


class Told:
    def __init__(self) -> None:
        self.batches: list[int] = []
        self.may_send = threading.Event()
        self.may_send.set()
        self.is_sending = threading.Event()
        self.is_sent = True
        self.fault: Exception | None = None
        self.closed = False

    def send(self, batch: Sequence[Finished]) -> bool:
        self.is_sending.set()
        assert self.may_send.wait(30.0)
        self.batches.append(len(batch))
        if self.fault is not None:
            raise self.fault
        return self.is_sent

    def close(self) -> None:
        self.closed = True


@contextmanager
def running(told: Told, capacity: int = 100) -> Iterator[tuple[Outbox, Counts]]:
    dropped = Counts("dropped_total", "Dropped", ["reason"])
    outbox = Outbox(told, dropped, capacity)
    outbox.start()
    try:
        yield outbox, dropped
    finally:
        told.may_send.set()
        outbox.close()


def test_all_are_sent_in_small_batches() -> None:
    told = Told()
    with running(told) as (outbox, dropped):
        for _ in range(50):
            outbox.put(FINISHED)
        wait_until(lambda: sum(told.batches) == 50, "all to be sent")
        assert max(told.batches) <= BATCH
        assert dropped.count("queue_full").value == dropped.count("export_failed").value == 0


def test_what_finds_no_room_is_dropped_at_once_and_counted() -> None:
    told = Told()
    told.may_send.clear()
    with running(told, capacity=5) as (outbox, dropped):
        outbox.put(FINISHED)
        assert told.is_sending.wait(30.0)  # the first is out of the queue, and hangs
        for _ in range(12):
            outbox.put(FINISHED)
        assert dropped.count("queue_full").value == 7 * SPANS
    assert sum(told.batches) == 6


def test_what_cannot_be_sent_is_counted_and_the_rest_goes_on() -> None:
    told = Told()
    told.is_sent = False
    with running(told) as (outbox, dropped):
        outbox.put(FINISHED)
        wait_until(lambda: dropped.count("export_failed").value == SPANS, "the drop")
        told.fault = RuntimeError("a library's own")
        outbox.put(FINISHED)
        wait_until(lambda: dropped.count("export_failed").value == 2 * SPANS, "the fault")
        told.fault, told.is_sent = None, True
        outbox.put(FINISHED)
        wait_until(lambda: len(told.batches) == 3, "the next")
        assert dropped.count("export_failed").value == 2 * SPANS


def test_closing_sends_what_waits_and_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.tracing.outbox.PERIOD_S", 60.0)
    told = Told()
    with running(told) as (outbox, _):
        outbox.put(FINISHED)
    assert (told.batches, told.closed) == ([1], True)
    monkeypatch.setattr("server.tracing.outbox.CLOSE_S", 0.05)
    hanging = Told()
    hanging.may_send.clear()
    outbox = Outbox(hanging, Counts("dropped_total", "Dropped", ["reason"]))
    outbox.start()
    outbox.put(FINISHED)
    outbox.close()
    assert hanging.closed
    hanging.may_send.set()
