import numpy as np

from models.features.records import I64
from server.pins import Pins


def test_pins_move_up_where_there_are_too_few_others() -> None:
    pins = Pins.of(np.array([0, 5, 1, 0]))
    others: I64 = np.array([0, 3])
    assert pins.among(others, 4).tolist() == [2, 0, 3, 1]
    assert pins.among(others[:0], 4).tolist() == [2, 1]
    assert pins.among(np.array([0, 3, 4, 5]), 6).tolist() == [2, 0, 3, 4, 1, 5]
