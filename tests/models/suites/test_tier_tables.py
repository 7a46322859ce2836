"""Tables by tier, history, age and context, on answers and entries made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from rich.progress import Progress

from models.annotation.annotations import Annotations, nothing_said
from models.data.adworld.world import make_log
from models.data.causal import Replay
from models.features.records import F64
from models.schema import TIERS
from models.suites.contexts import NO_CONTEXT, READ, by_context, context_note, has_context
from models.suites.part import Part
from models.suites.scores import ALONE
from models.suites.steps import Told
from models.suites.table import Cell
from models.suites.tier_tables import AGES_S, by_age, by_history, there
from models.train import Chosen
from models.training.parts import Recipes

OLD_S = 30.0


def half_said(replay: Replay) -> Annotations:
    """Every second impression has a user's mean, every fourth was held as a pair."""
    notes, rows = nothing_said(replay, 2), np.arange(len(replay.item))
    notes.user.tier[::2] = TIERS.index("user")
    notes.user.age_s[::2] = OLD_S
    notes.pair.tier[:] = TIERS.index("pair")
    notes.pair.age_s[:] = np.where(rows % 2, AGES_S[0] / 2, AGES_S[1] / 2)
    notes.held[::2] = TIERS.index("user")
    notes.held[::4] = TIERS.index("pair")
    return notes


@pytest.fixture(scope="module")
def bench() -> Told:
    replay = Replay.of(make_log(impressions=4_000, seed=7))
    progress = Progress(disable=True)
    return Told(replay, 0, Recipes(), progress, Chosen(), told=half_said(replay))


def answers(bench: Told) -> dict[str, F64]:
    """By variant: the better, the less it errs; `user` knows more where the row is even."""
    labels = bench.replay.labels[bench.evaluation.rows].clip(0).astype(np.float64)
    is_even = (bench.evaluation.rows % 2 == 0)[:, None]

    def erring(by: float) -> F64:
        return np.abs(labels - by)

    read = {name: erring(0.3) for name in READ.values()}
    user = np.where(is_even, erring(0.2), erring(0.4))
    return {ALONE: erring(0.4), "nothing": erring(0.4), "user": user, **read}


def test_a_part_loses_on_its_own_impressions_alone(bench: Told) -> None:
    is_even = bench.evaluation.rows % 2 == 0
    even = Part.of(bench, [answers(bench)], 0, is_even)
    odd = Part.of(bench, [answers(bench)], 0, ~is_even)
    known = bench.replay.labels[bench.evaluation.rows, 0] >= 0
    assert even.size + odd.size == known.sum()
    assert even.gain("user", "nothing").startswith(f"{np.log(0.8 / 0.6):+.4f}")
    assert odd.gain("user", "nothing").startswith("+0.0000")


def test_there_counts_the_tier_and_where_it_was_the_best(bench: Told) -> None:
    table = there([bench], ("user", "pair"))
    user, pair = ([cell.mean for cell in row if isinstance(cell, Cell)] for row in table.rows)
    assert user == pytest.approx([0.5, 0.25, OLD_S], abs=0.01)
    assert pair[:2] == pytest.approx([0.25, 0.25], abs=0.01)


def test_rows_by_history_are_all_of_the_window(bench: Told) -> None:
    table = by_history(bench, [answers(bench)], 0, {"user": "nothing"})
    counts = [int(str(row[1]).replace(",", "")) for row in table.rows]
    assert sum(counts) == len(bench.evaluation.rows)
    assert len(counts) > 1
    assert all(str(row[2]) == "0.500" for row in table.rows)


def test_rows_by_age_are_where_an_entry_is_so_old(bench: Told) -> None:
    young, old = by_age(bench, [answers(bench)], 0, "user", "nothing").rows
    assert (young[0], old[0]) == ("0–60 s", "60–600 s")
    assert str(young[2]).startswith("+0.0000")
    assert str(old[2]).startswith(f"{np.log(0.8 / 0.6):+.4f}")


def test_context_rows_part_the_window(bench: Told) -> None:
    table = by_context(bench, [answers(bench)], 0)
    assert [row[0] for row in table.rows] == ["as before", "another"]
    counts = [int(str(row[1]).replace(",", "")) for row in table.rows]
    assert sum(counts) == len(bench.evaluation.rows)
    assert 0 < counts[1] < counts[0]


def test_a_log_without_context_says_so(bench: Told) -> None:
    log = bench.replay.log
    schema = log.schema.model_copy(update={"context": ()})
    silent = replace(bench, replay=replace(bench.replay, log=replace(log, schema=schema)))
    assert has_context(bench.replay)
    assert context_note(silent) == NO_CONTEXT
    assert context_note(bench) != NO_CONTEXT
