from server.console.trail import APART_MS, MOST, TrailKeeper
from server.rollout.guardrails.verdict import Figures, Verdict


def verdict(harm: float, *names: str) -> Verdict:
    figures = {name: Figures(1.0, 1.0, harm, harm - 1, harm + 1, 0.5, 0.01) for name in names}
    limit = Figures(0.0, 0.0, 0.0, None, None, 0.1, 0.0)
    return Verdict("continue", None, int(harm), (), figures | {"error_limit": limit})


def test_trail_has_a_point_each_time_and_no_limits() -> None:
    kept = TrailKeeper("student")
    for n in range(3):
        kept.add("a-canary-0", n * APART_MS, verdict(n, "clicks"))
    trail = kept.trail
    assert trail is not None
    assert trail.guardrails.keys() == {"clicks"}
    assert [point and point.harm for point in trail.guardrails["clicks"]] == [0.0, 1.0, 2.0]
    assert trail.requests == [0, 1, 2]


def test_looks_that_are_close_together_are_one() -> None:
    kept = TrailKeeper("student")
    for at_ms in (0, 1, APART_MS - 1, APART_MS):
        kept.add("a", at_ms, verdict(1.0, "clicks"))
    assert kept.trail is not None
    assert kept.trail.at_ms == [0, APART_MS]


def test_next_stage_begins_a_trail_of_its_own() -> None:
    kept = TrailKeeper("student")
    kept.add("a-canary-0", 0, verdict(1.0, "clicks"))
    kept.add("a-canary-1", APART_MS, verdict(1.0, "clicks"))
    assert kept.trail is not None
    assert (kept.trail.tally, kept.trail.at_ms) == ("a-canary-1", [APART_MS])


def test_guardrail_that_comes_later_or_goes_leaves_gaps() -> None:
    kept = TrailKeeper("student")
    for n, names in enumerate((["clicks"], ["clicks", "value"], ["value"])):
        kept.add("a", n * APART_MS, verdict(1.0, *names))
    assert kept.trail is not None
    clicks, value = (kept.trail.guardrails[name] for name in ("clicks", "value"))
    assert [point is None for point in clicks] == [False, False, True]
    assert [point is None for point in value] == [True, False, False]


def test_long_stage_is_kept_whole_and_bounded() -> None:
    kept = TrailKeeper("student")
    for n in range(5 * MOST):
        kept.add("a", n * APART_MS, verdict(float(n), "clicks"))
    trail = kept.trail
    assert trail is not None
    assert MOST / 4 < len(trail.at_ms) <= MOST
    assert trail.at_ms[0] == 0
    assert trail.at_ms[-1] >= (5 * MOST - 17) * APART_MS
    assert len(trail.guardrails["clicks"]) == len(trail.requests) == len(trail.at_ms)
