"""The suite `ablations` on a small world: the direction of its results."""

import pytest

from models.suites.ablations import ablations
from models.suites.scores import ALONE, TEACHER
from models.suites.sequence_ablations import SERVED, UNHEARD
from models.suites.table import Cell, Table
from models.suites.teacher_ablations import WHOLE
from models.suites.workbench import Workbench
from tests.models.suites.conftest import SETTLING_STEPS
from tests.settling import soon_settled

TOLERANCE = 0.001


@pytest.fixture(scope="module")
def tables(bench: Workbench) -> dict[str, Table]:
    """Of clicks, by title."""
    with soon_settled(SETTLING_STEPS):
        found = ablations([bench])
    return {table.title.split(":")[0]: table for table in found if ": click" in table.title}


def column(table: Table, name: str) -> dict[str, float]:
    place = list(table.columns).index(name)
    cells = {str(row[0]): row[place] for row in table.rows}
    return {name: cell.mean for name, cell in cells.items() if isinstance(cell, Cell)}


@pytest.mark.slow
def test_each_part_of_the_teacher_has_a_row_and_every_teacher_learns(
    tables: dict[str, Table],
) -> None:
    found = column(tables["Parts of the teacher"], "AUC")
    assert next(iter(found)) == WHOLE
    assert len(found) == 6
    assert min(found.values()) > 0.6


@pytest.mark.slow
def test_reading_a_sequence_beats_none_and_more_numbers_are_no_worse(
    tables: dict[str, Table],
) -> None:
    losses = column(tables["Sequence"], "log loss")
    assert losses[TEACHER] < losses[SERVED] < losses[UNHEARD]
    assert losses[SERVED] < losses[ALONE]
    assert losses[SERVED] < losses["8 numbers of 32"] + TOLERANCE
    assert losses[SERVED] < losses["5 events"] + TOLERANCE


@pytest.mark.slow
def test_a_words_rank_is_at_most_its_width_and_the_deeper_layer_has_less(
    tables: dict[str, Table],
) -> None:
    ranks = column(tables["Sequence"], "effective rank of z")
    assert 1.0 <= ranks["8 numbers of 32"] <= 8.0
    assert ranks["8 numbers of 32"] < ranks[SERVED]
    assert ranks["second hidden layer *"] < ranks[SERVED]
