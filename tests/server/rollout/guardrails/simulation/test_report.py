"""What a table says of outcomes, and where it is written."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from server.rollout.guardrails.errors import MarksMissing
from server.rollout.guardrails.simulation.report import as_markdown, hours, write
from server.rollout.guardrails.simulation.rollouts import Outcome
from server.rollout.guardrails.simulation.stages import stages_of
from server.rollout.plan import RolloutPlan

STAGES = stages_of(RolloutPlan(steps=(0.05, 1.0)), 50.0)


def outcome(caught_in: list[int], requests: list[list[int]]) -> Outcome:
    by = Counter({"clicks": sum(place >= 0 for place in caught_in)})
    return Outcome(np.array(caught_in), np.array(requests), by, {})


def test_row_says_where_how_late_and_by_what() -> None:
    told = outcome([0, 1, 1, -1], [[100, 0, 0], [300, 400, 0], [300, 600, 0], [300, 2000, 90]])
    row = as_markdown({"bad": told}, STAGES).splitlines()[-1]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:2] == ["bad", "75.0%"]
    assert cells[3:] == ["25.0%", "50.0%", "", "100%", "300", "400", "clicks 100%"]


def test_student_that_never_left_the_shadow_had_no_traffic() -> None:
    row = as_markdown({"bad": outcome([0, 0], [[50, 0, 0], [75, 0, 0]])}, STAGES).splitlines()[-1]
    assert "| 0% | 62 | 0 | clicks 100% |" in row


def test_hours_are_of_those_that_came_through() -> None:
    told = outcome([-1, 0], [[300, 2_500, 30_000], [50, 0, 0]])
    assert hours(told, STAGES, 50.0, 0.1) == pytest.approx((60 + 1_000 + 600) / 3600)


def test_only_what_stands_between_the_marks_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- simulation -->\nold\n<!-- /simulation -->\nafter\n")
    write(page, "new")
    assert page.read_text() == "before\n<!-- simulation -->\nnew\n<!-- /simulation -->\nafter\n"


def test_page_without_the_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- simulation -->\n")
    with pytest.raises(MarksMissing, match="add both lines"):
        write(page, "new")
    assert page.read_text() == "before\n<!-- simulation -->\n"
