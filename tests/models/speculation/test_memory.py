import numpy as np

from models.speculation.memory import NEVER, Memory
from models.speculation.policy import Computed
from tests.models.speculation.requests import asked_of


def heard(memory: Memory, user: int, now_ms: int, *pairs: int) -> None:
    memory.asked(asked_of(user, now_ms, pairs), np.zeros(len(pairs), np.int64))


def test_the_user_silent_longest_is_forgotten() -> None:
    memory = Memory(users=2)
    for now_ms, user in enumerate([1, 2, 1, 3]):
        heard(memory, user, now_ms, 5)
    assert [memory.find(user) is None for user in (1, 2, 3)] == [False, True, False]
    assert len(memory) == 2


def test_the_pairs_untouched_longest_are_forgotten() -> None:
    memory = Memory(pairs=3)
    heard(memory, 1, 0, 1, 2, 3)
    heard(memory, 1, 1, 1, 2)
    memory.computed(Computed(1, np.array([3]), 2))
    heard(memory, 1, 3, 9)
    known = memory.find(1)
    assert known is not None
    assert known.pairs.pair.tolist() == [2, 3, 9]
    assert known.pairs.computed_ms.tolist() == [NEVER, 2, NEVER]
    assert (known.before_ms, known.last_ms) == (1, 3)


def test_foreseen_pairs_push_out_nothing() -> None:
    memory = Memory(pairs=3)
    heard(memory, 1, 0, 1, 2)
    known = memory.find(1)
    assert known is not None
    none = np.zeros(4, np.int64)
    memory.foreseen(known, np.array([2, 7, 5, 6]), np.array([2, 7, 5, 6]), none)
    assert known.pairs.pair.tolist() == [1, 2, 7]
    assert known.pairs.asked_ms.tolist() == [0, 0, NEVER]


def test_entries_of_strangers_are_not_remembered() -> None:
    memory = Memory()
    memory.computed(Computed(1, np.array([3]), 2))
    assert len(memory) == 0
