"""A teacher that comes back when it is told."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from cache.refresh.stacked import Wanted
from cache.refresh.teacher import Judged
from tests.cache.refresh.worker_bench import Counting

SOON_S = 30.0


class Blocking(Counting):
    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def judge(self, wanted: Sequence[Wanted]) -> Judged:
        self.go.wait(SOON_S)
        return super().judge(wanted)


@pytest.fixture
def blocking() -> Iterator[Blocking]:
    teacher = Blocking()
    yield teacher
    teacher.go.set()
