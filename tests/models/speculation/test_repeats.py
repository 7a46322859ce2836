import numpy as np

from models.speculation.memory import Memory
from models.speculation.repeats import FORESEEN, LEFT_OUT, OFFERED, PRIOR_CHANCE, Repeats
from tests.models.speculation.requests import HOUR_MS, asked_of


def test_chances_follow_what_was_offered_again() -> None:
    memory, repeats = Memory(), Repeats()
    for hour in range(400):
        # Pair 1 every time, 2 every second time, 3 once in a while.
        pairs = [1] + [2] * (hour % 2) + [3] * (hour % 40 == 0)
        asked = asked_of(1, hour * HOUR_MS, pairs)
        if (known := memory.find(1)) is not None:
            repeats.heard(known, asked.pairs, asked.now_ms)
        memory.asked(asked, np.array([0, 3, 5])[np.array(pairs) - 1])
    offered, left_out = repeats.tables()[[OFFERED, LEFT_OUT]].max(axis=2)
    assert offered[0] > 0.9
    assert offered[3] < 0.3
    assert left_out[3] > 0.7 > left_out[5]


def test_what_was_never_tried_has_the_prior_chance() -> None:
    tables = Repeats().tables()
    for table in (FORESEEN, LEFT_OUT, OFFERED):
        np.testing.assert_allclose(tables[table], PRIOR_CHANCE[table])
