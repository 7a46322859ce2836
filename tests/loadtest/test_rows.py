from pathlib import Path

import pytest

from loadtest.marked import MarksMissing
from tests.loadtest.measure_capacity import NAME, found_words
from tests.loadtest.rows import set_row

PAGE = "head\n<!-- t -->\n| what | found |\n|---|---|\n| one | old |\n| two | kept |\n<!-- /t -->\n"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_a_row_takes_the_place_of_its_own(page: Path) -> None:
    set_row(page, "t", ["one", "new"])
    assert page.read_text() == PAGE.replace("old", "new")


def test_a_new_row_comes_last(page: Path) -> None:
    set_row(page, "t", ["three", "found"])
    assert page.read_text().endswith("| two | kept |\n| three | found |\n<!-- /t -->\n")


def test_a_page_without_marks_is_refused(page: Path) -> None:
    with pytest.raises(MarksMissing, match="<!-- other -->"):
        set_row(page, "other", ["one", "new"])


def test_two_searches_are_told_with_how_far_they_are_apart() -> None:
    told = {"rates": [800.0, 824.0], "spread": 0.03, "generator_is_the_limit": False,
            "searches": [[{}] * 12, [{}] * 14]}  # fmt: skip
    assert found_words(told) == "800 and 824 requests/s, 3.0% apart; 12 and 14 trials"
    none = {**told, "rates": [None, 800.0], "generator_is_the_limit": True}
    assert found_words(none).startswith("none held and 800 requests/s")
    assert "the generator was the limit" in found_words(none)


def test_the_page_of_performance_has_the_row() -> None:
    text = (Path(__file__).parents[2] / "docs/performance.md").read_text(encoding="utf-8")
    assert f"| {NAME} |" in text
