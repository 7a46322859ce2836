from hypothesis import given
from hypothesis import strategies as st

from cache.standing import Standing

COUNTS = st.builds(Standing, *(st.integers(0, 10_000),) * 3)


@given(COUNTS, COUNTS)
def test_after_and_before_are_the_whole(before: Standing, more: Standing) -> None:
    assert before.plus(more).less(before) == more


def test_count_that_began_again_is_new_as_a_whole() -> None:
    assert Standing(5, 4, 3).less(Standing(100, 4, 3)) == Standing(5, 4, 3)


def test_nothing_seen_has_no_gap_and_no_coverage() -> None:
    assert (Standing().gap, Standing().coverage) == (0.0, 0.0)
    assert (Standing(100, 80, 50).gap, Standing(100, 80, 50).coverage) == (0.3, 0.5)
