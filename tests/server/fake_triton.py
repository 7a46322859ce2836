"""Triton, as its client sees it: the student itself, far away."""

import threading
from collections.abc import Callable

import pytest

from cache.breaker import CircuitBreaker
from models.features.records import Arrays
from models.runtime import Model, Outputs, load
from server.inference import Headers, TritonFirst
from server.lane import Lane
from tests.server.conftest import Served
from tests.server.lanes import open_lane

FAILURES = 3
RETRY_S = 0.01


class FakeTriton:
    timeout_s = 1.0

    def __init__(self, model: Model) -> None:
        self.manifest = model.manifest
        self.fault: Exception | None = None
        self.unproven: Exception | None = None
        self.answer: Callable[[Outputs], Outputs] = lambda outputs: outputs
        self.limits_s: list[float] = []
        self.headers: list[Headers] = []
        self.threads: set[str] = set()
        self.closed = False
        self.proven = threading.Event()
        self._model = model

    def run(self, arrays: Arrays, timeout_s: float, headers: Headers = None) -> Outputs:
        self.limits_s.append(timeout_s)
        self.headers.append(headers)
        self.threads.add(threading.current_thread().name)
        if self.fault is not None:
            raise self.fault
        return self.answer(self._model.run(arrays))

    def prove(self, timeout_s: float = 10.0) -> None:
        if self.unproven is not None:
            raise self.unproven
        self.proven.set()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def model(served: Served) -> Model:
    return load(served.student)


@pytest.fixture
def triton(model: Model) -> FakeTriton:
    return FakeTriton(model)


@pytest.fixture
def first(triton: FakeTriton, model: Model) -> TritonFirst:
    return TritonFirst(triton, model, CircuitBreaker(FAILURES, open_s=60.0), RETRY_S)


@pytest.fixture
def lane(served: Served, first: TritonFirst, monkeypatch: pytest.MonkeyPatch) -> Lane:
    """Whose model is run there."""

    def given(*_: object) -> TritonFirst:
        return first

    monkeypatch.setattr("server.lane.triton_first", given)
    return open_lane(served.student)
