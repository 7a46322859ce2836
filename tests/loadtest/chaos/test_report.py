"""The matrix on the terminal, as a page, and in the docs."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from loadtest.chaos import report, table
from loadtest.chaos.matrix import skipped
from loadtest.chaos.verdict import judged
from tests.loadtest.chaos.trials import chaos_of, rows, trial


def reports() -> list[dict[str, Any]]:
    held = {**judged(trial(rows(degraded=["cache:timeout"]))), "name": "held", "tries": 2}
    failed = {**judged(trial(rows(status=503))), "name": "failed", "tries": 1}
    return [held, failed, {**skipped(chaos_of(), "needs --to"), "name": "other"}]


def test_a_page_has_the_matrix_and_a_time_line_of_each(tmp_path: Path) -> None:
    facts = {"command": "c", "date": "d", "hardware": "h", "rate": 50.0, "held": 1, "ran": 2}
    report.write(tmp_path, {**facts, "scenarios": reports()})
    page = (tmp_path / report.HTML).read_text()
    assert page.count("<svg") == 6
    for words in ("1 of 2 scenarios held", "valkey stopped", "held at try 2", "cache:timeout",
                  "100 of 500 requests failed", "needs --to"):  # fmt: skip
        assert words in page
    told = json.loads((tmp_path / report.JSON).read_text())
    assert [each["name"] for each in told["scenarios"]] == ["held", "failed", "other"]


def test_the_table_in_the_docs_names_what_broke_and_where_it_ran() -> None:
    text = table.markdown(reports(), "understudy loadtest chaos", "2026-11-26", "a machine")
    lines = text.splitlines()
    assert lines[2].startswith(
        "| held | valkey stopped | 500 × 200, 0 failed | `cache:timeout` 100"
    )
    assert "**failed**: broken: 100 of 500 requests failed" in lines[3]
    assert lines[4].split("|")[3].strip() == "not run"
    assert lines[-1] == (
        "1 of 2 held, 1 of them not at the first try. `understudy loadtest chaos`, 2026-11-26, "
        "a machine."
    )
    assert len({line.count("|") for line in lines[:5]}) == 1


def test_the_terminal_shows_each_with_its_outcome() -> None:
    console = Console(record=True, width=200, file=StringIO())
    console.print(table.shown(reports()))
    text = console.export_text()
    for words in ("held at try 2", "broken", "skipped"):
        assert words in text
