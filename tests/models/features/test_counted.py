import numpy as np

from models.features.counted import Counted


def counted(*rows: tuple[float, int]) -> Counted:
    counters = np.array([[count, count / 2] for count, _ in rows]).reshape(-1, 2)
    return Counted(counters, np.array([at for _, at in rows], np.int64))


def test_older_counts_are_left_out() -> None:
    held = Counted.zeros(4, tasks=1)
    assert held.write(np.array([1, 2]), counted((5.0, 50), (6.0, 60))) == 2
    assert held.write(np.array([1, 2, 3]), counted((1.0, 10), (7.0, 60), (8.0, 5))) == 2
    assert held.counters[:, 0].tolist() == [0.0, 5.0, 7.0, 8.0]
    assert held.counters_at.tolist() == [0, 50, 60, 5]


def test_what_is_held_already_is_not_written_again() -> None:
    held = Counted.zeros(3, tasks=1)
    held.write(np.array([0, 1]), counted((5.0, 50), (6.0, 60)))
    assert held.write(np.array([0, 1]), counted((5.0, 50), (6.0, 60))) == 0
    assert held.write(np.array([1, 0]), counted((6.0, 60), (5.5, 50))) == 1
    assert held.counters[:, 0].tolist() == [5.5, 6.0, 0.0]
