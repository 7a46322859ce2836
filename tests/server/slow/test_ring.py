from hypothesis import given
from hypothesis import strategies as st

from server.slow.ring import SlowRing

TIMES = st.lists(st.integers(0, 1000))


def told(ring: SlowRing[str], times: list[int]) -> None:
    """As a request tells it: only where it took longer than the ring's bound."""
    for place, took_ns in enumerate(times):
        if took_ns > ring.above_ns:
            ring.add(took_ns, f"{took_ns} at {place}")


@given(st.integers(1, 8), st.lists(TIMES, max_size=6), st.integers(1, 4))
def test_the_slowest_of_each_of_the_last_windows_are_kept(
    kept: int, windows: list[list[int]], most: int
) -> None:
    ring: SlowRing[str] = SlowRing(kept, most)
    for number, times in enumerate(windows):
        if number:
            ring.turn()
        told(ring, times)
    expected = [took for times in windows[-most:] for took in sorted(times, reverse=True)[:kept]]
    held = list(ring.slowest())
    assert [int(each.split()[0]) for each in held] == sorted(expected, reverse=True)


@given(st.integers(1, 4), TIMES)
def test_of_equals_the_first_ones_stay(kept: int, times: list[int]) -> None:
    ring: SlowRing[str] = SlowRing(kept)
    told(ring, times)
    in_order = sorted(enumerate(times), key=lambda each: (-each[1], each[0]))[:kept]
    assert list(ring.slowest()) == [f"{took} at {place}" for place, took in in_order]


def test_bound_is_that_of_the_window_and_begins_anew_with_it() -> None:
    ring: SlowRing[str] = SlowRing(2)
    assert ring.above_ns == -1
    told(ring, [5, 9])
    assert ring.above_ns == 5
    told(ring, [7, 5, 6])
    assert ring.above_ns == 7
    ring.turn()
    assert ring.above_ns == -1


def test_window_that_is_too_old_leaves_though_nothing_comes() -> None:
    ring: SlowRing[str] = SlowRing(2, windows=3)
    told(ring, [1])
    ring.turn()
    ring.turn()
    assert list(ring.slowest()) == ["1 at 0"]
    ring.turn()
    assert list(ring.slowest()) == []
