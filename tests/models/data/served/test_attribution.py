"""Which impression an outcome belongs to, and that nothing later changes what is known."""

from itertools import count

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data.served.archive import COLUMNS, Answers
from models.data.served.events import COLUMNS as EVENT_COLUMNS
from models.data.served.events import REQUEST, in_order
from models.data.served.mapping import ServedMapping
from models.data.served.reading import complete_until_ms, impressions_of

WINDOW_MS = 100
MAPPING = ServedMapping(
    requests="",
    events="",
    attribution_s=WINDOW_MS / 1000,
    shown_within_s=0.05,
    days=365.0,
    context={"page": "categorical"},
)
Told = tuple[int | str, ...]  # ms, type, user, item; the request that it names, or ""


def answers(*told: tuple[int, str, list[str]], returned: int = 2) -> Answers:
    """Time, user and items; the first `returned` of them are the slate."""
    rows = [
        (f"{number}-0", f"r{number}", at, user, "student",
         [{"name": "page", "value": f"p{number}"}], place, item,
         place if place < returned else -1)
        for number, (at, user, items) in enumerate(told)
        for place, item in enumerate(items)
    ]  # fmt: skip
    frame = pl.DataFrame(rows, COLUMNS, orient="row")
    return Answers.of(frame, MAPPING.context)


def events(*told: Told) -> pl.DataFrame:
    """At the end one by another user, so that the windows of the others are over."""
    number = count()
    rows = [
        (f"e{next(number)}", kind, user, item, at, *[name or None for name in named or [""]])
        for at, kind, user, item, *named in told
    ]
    table = pl.DataFrame(rows, [*EVENT_COLUMNS, REQUEST], orient="row")
    return in_order(table.cast({REQUEST: pl.String}))


def found(given_answers: Answers, *told: Told) -> list[tuple[object, ...]]:
    """Request, item, time, position, page and label of each impression of u1."""
    rows = impressions_of(given_answers, events(*told, (5000, "impression", "u9", "a")), MAPPING)
    rows = rows.filter(pl.col("user_id") == "u1")
    return rows.select("request_id", "item_id", "timestamp_ms", "position", "page", "click").rows()


LATE = (5000, "u9", ["a"])


def test_an_impression_has_time_and_context_of_its_answer() -> None:
    told = answers((1000, "u1", ["a", "b", "c"]), LATE)
    assert found(told, (1010, "impression", "u1", "b")) == [("r0", "b", 1000, 2, "p0", 0)]


def test_an_impression_is_of_the_newest_answer_that_returned_its_item() -> None:
    told = answers((1000, "u1", ["a"]), (1020, "u1", ["a"]), (1025, "u2", ["a"]), LATE)
    assert found(told, (1030, "impression", "u1", "a")) == [("r1", "a", 1020, 1, "p1", 0)]


def test_an_impression_of_what_was_not_returned_or_long_ago_has_no_answer() -> None:
    told = answers((1000, "u1", ["a", "b", "c"]), LATE)
    assert found(told, (1010, "impression", "u1", "c")) == [
        ("unanswered-u1-1010", "c", 1010, 0, None, 0)
    ]
    assert found(told, (1051, "impression", "u1", "a"))[0][0] == "unanswered-u1-1051"


def test_what_an_answer_shows_again_is_an_impression_of_another() -> None:
    told = answers((1000, "u1", ["a"]), LATE)
    shown = ((1010, "impression", "u1", "a"), (1020, "impression", "u1", "a"))
    rows = found(told, *shown, (1030, "click", "u1", "a"))
    assert [(row[0], row[-1]) for row in rows] == [("r0", 0), ("unanswered-u1-1020", 1)]


def test_an_impression_is_of_the_answer_that_it_names() -> None:
    told = answers((1000, "u1", ["a"]), (1020, "u1", ["a"]), LATE)
    assert found(told, (1030, "impression", "u1", "a", "r0")) == [("r0", "a", 1000, 1, "p0", 0)]
    late = (1300, "impression", "u1", "a", "r0")
    assert found(told, late) == [("r0", "a", 1000, 1, "p0", 0)]


def test_an_impression_of_an_answer_not_archived_is_of_no_other() -> None:
    told = answers((1000, "u1", ["a"]), LATE)
    shown = ((1010, "impression", "u1", "a", "lost"), (1020, "click", "u1", "a"))
    assert found(told, *shown) == [("unanswered-u1-1010", "a", 1010, 0, None, 1)]


def test_an_answer_that_is_named_must_have_returned_the_item_to_the_user_before() -> None:
    told = answers((1000, "u1", ["a", "b", "c"]), (1000, "u2", ["a"]), LATE)
    for wrong in ((1010, "c", "r0"), (1010, "a", "r1"), (990, "a", "r0")):
        at, item, named = wrong
        [row] = found(told, (at, "impression", "u1", item, named))
        assert row[0] == f"unanswered-u1-{at}"


def test_what_two_events_tell_of_one_instant_is_one_impression() -> None:
    told = answers((1000, "u1", ["a"]), LATE)
    shown = (1010, "impression", "u1", "a")
    assert found(told, shown, shown, (1030, "click", "u1", "a")) == [("r0", "a", 1000, 1, "p0", 1)]


def test_a_click_counts_within_the_window_of_the_newest_impression() -> None:
    told = answers((1000, "u1", ["a"]), (1040, "u1", ["a"]), LATE)
    shown = ((1000, "impression", "u1", "a"), (1040, "impression", "u1", "a"))
    clicked = [row[-1] for row in found(told, *shown, (1140, "click", "u1", "a"))]
    assert clicked == [0, 1]
    assert [row[-1] for row in found(told, *shown, (1141, "click", "u1", "a"))] == [0, 0]
    assert [row[-1] for row in found(told, *shown, (1039, "click", "u1", "a"))] == [1, 0]


def test_a_click_of_another_user_or_item_is_no_label() -> None:
    told = answers((1000, "u1", ["a", "b"]), LATE)
    shown = (1000, "impression", "u1", "a")
    rows = found(told, shown, (1010, "click", "u2", "a"), (1010, "click", "u1", "b"))
    assert [row[-1] for row in rows] == [0]


def test_an_event_told_twice_counts_where_it_was_first_told() -> None:
    twice = pl.concat([events((1, "click", "u", "a")), events((9, "click", "u", "a"))])
    assert in_order(twice)["timestamp_ms"].to_list() == [1]


NAMES = st.sampled_from(("u1", "u2")), st.sampled_from(("a", "b", "c"))
KINDS = st.sampled_from(("impression", "click"))
REQUESTS = st.sampled_from(("", "", "r0", "r1", "r2"))
EVENTS = st.lists(st.tuples(st.integers(0, 900), KINDS, *NAMES, REQUESTS), max_size=40)
ANSWERS = st.lists(
    st.tuples(st.integers(0, 900), NAMES[0], st.permutations(["a", "b", "c"])), max_size=12
)


@settings(deadline=None, max_examples=150)
@given(EVENTS, ANSWERS, st.integers(0, 1000))
def test_what_comes_after_an_instant_changes_nothing_that_was_known_at_it(
    told: list[tuple[int, str, str, str, str]],
    asked: list[tuple[int, str, list[str]]],
    instant_ms: int,
) -> None:
    """Rows of a log made then are rows, to the last label, of the log made later: no label is told
    before its window is over, and none is taken back."""
    told, asked = sorted(told), sorted(asked)
    past_told = [each for each in told if each[0] <= instant_ms]
    past_asked = [each for each in asked if each[0] <= instant_ms]
    if not (past_told and past_asked):
        return
    then, later = answers(*past_asked), answers(*asked)
    known = impressions_of(then, events(*past_told), MAPPING)
    assert (known["timestamp_ms"] + WINDOW_MS <= complete_until_ms(then, events(*past_told))).all()
    assert known["timestamp_ms"].is_sorted()
    whole = impressions_of(later, events(*told), MAPPING)
    assert known.join(whole, on=known.columns, how="anti", nulls_equal=True).is_empty()


@settings(deadline=None, max_examples=150)
@given(EVENTS, ANSWERS)
def test_labels_are_those_of_a_search_event_by_event(
    told: list[tuple[int, str, str, str, str]], asked: list[tuple[int, str, list[str]]]
) -> None:
    if not (told and asked):
        return
    told = sorted(told)
    rows = impressions_of(answers(*sorted(asked)), events(*told), MAPPING)
    shown = sorted({(at, user, item) for at, kind, user, item, _ in told if kind == "impression"})
    clicked = set()
    for at, kind, user, item, _ in told:
        if kind == "click":
            before = [each for each in shown if each[1:] == (user, item) and each[0] <= at]
            if before and at - before[-1][0] <= WINDOW_MS:
                clicked.add(before[-1])
    unanswered = rows.filter(pl.col("request_id").str.starts_with("unanswered"))
    for user, item, at, click in unanswered.select(
        "user_id", "item_id", "timestamp_ms", "click"
    ).rows():
        assert click == ((at, user, item) in clicked)
