from pathlib import Path

import pytest

from loadtest.marked import MarksMissing, fill


def test_only_what_stands_between_the_marks_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n")
    fill(page, "bench", "| new |")
    fill(page, "bench", "| newer |")
    assert page.read_text() == "before\n<!-- bench -->\n| newer |\n<!-- /bench -->\nafter\n"


def test_page_without_the_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- bench -->\nold\n")
    with pytest.raises(MarksMissing, match="bench"):
        fill(page, "bench", "new")
    assert page.read_text() == "<!-- bench -->\nold\n"
