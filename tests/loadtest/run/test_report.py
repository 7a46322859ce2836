import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from loadtest.errors import ReportMissing
from loadtest.run import printing, report
from loadtest.run.budget import Budget
from loadtest.run.plan import Options
from loadtest.run.scenario import find_scenario
from tests.loadtest.run.reports import figures

MARKS = [
    {"what": "valkey paused", "from_s": 4.0, "until_s": 6.0},
    {"what": "v2 answers", "from_s": 5.0, "until_s": None},
]
BUDGET = Budget.model_validate({"p99_ms": 20, "degraded": 0.01})


def _told(**change: Any) -> dict[str, Any]:
    told = {**figures(**change), "marks": MARKS}
    facts = Options(seconds=10.0).facts(find_scenario("steady"))
    return report.compose(facts, "http://127.0.0.1:1", told, BUDGET)


def test_one_file_has_time_line_stages_and_marks_and_fetches_nothing(tmp_path: Path) -> None:
    report.write(tmp_path, _told(degraded=["cache:timeout"]))
    page = (tmp_path / report.HTML).read_text()
    assert page.count("<svg") == 4
    for words in ("valkey paused", "v2 answers", "degraded 5.00%, at most 1.00%", "inference",
                  "needs 3688 answers", "cache:timeout"):  # fmt: skip
        assert words in page
    assert not re.search(r"<(script|link)|src=|@import|url\(http", page)


def test_json_says_what_the_page_says_and_gives_it_again(tmp_path: Path) -> None:
    report.write(tmp_path, _told())
    told = json.loads((tmp_path / report.JSON).read_text())
    assert (told["exit_code"], told["broken"], told["invalid"]) == (0, [], None)
    assert report.read(tmp_path) == told
    assert report.render(told) == (tmp_path / report.HTML).read_text()


def test_a_run_without_answers_has_a_page_too(tmp_path: Path) -> None:
    report.write(tmp_path, _told(count=20, status=0, stages_ms={}, covered=float("nan")))
    assert "budget broken" in (tmp_path / report.HTML).read_text()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportMissing, match="loadtest run --out"):
        report.read(tmp_path)
    (tmp_path / report.JSON).write_text("{}")
    with pytest.raises(ReportMissing, match="something else"):
        report.read(tmp_path)


def test_the_terminal_names_rates_intervals_and_the_line_that_broke() -> None:
    console = Console(record=True, width=120, file=StringIO())
    printing.show(_told(degraded=["cache:timeout"]), console)
    text = console.export_text()
    for words in ("100.0/s intended", "BROKEN  degraded 5.00%", "needs 3688", "5.00–5.00",
                  "budget broken", "valkey paused at 4.0 to 6.0 s"):  # fmt: skip
        assert words in text
