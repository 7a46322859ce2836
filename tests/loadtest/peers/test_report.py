import json
from pathlib import Path
from typing import Any

import pytest

from loadtest.bench.sizes import Raw
from loadtest.open_loop import Outcome
from loadtest.peers.measure import Light, Measured
from loadtest.peers.plot import draw
from loadtest.peers.report import as_markdown, read_report, size_as_json
from loadtest.search import Found


def _measured(rate: float | None, load_share: float = 0.2, raw: float = 1000.0) -> Measured:
    best = Outcome(rate, rate, 5.0, 20.0, 100, 0) if rate else None
    light = Light(Outcome(10.0, 10.0, 2.0, 4.0, 40, 0), 1.25, load_share)
    return Measured(Raw(raw, 1000 / raw, 2.0), 90_000, 500.0, Found(best, []), light)


def _entry(*sizes: tuple[int, Measured]) -> dict[str, Any]:
    told = {str(size): size_as_json(measured) for size, measured in sizes}
    return {"date": "2026-01-02", "sizes": told}


@pytest.fixture
def report() -> dict[str, Any]:
    return {
        "ray": {"date": "2026-01-02", "sizes": {}, "reason": "`pip` ended with 1: no such wheel"},
        "litserve": _entry((50, _measured(None)), (200, _measured(250.0, load_share=0.6))),
        "understudy": _entry((200, _measured(500.0, raw=2000.0)._replace(coverage=0.99))),
    }


def _lines(report: dict[str, Any], start: str) -> list[str]:
    text = as_markdown(report, "a machine")
    return [line for line in text.splitlines() if line.startswith(start)]


def test_tables_give_rate_latency_and_cost_of_each(report: dict[str, Any]) -> None:
    rates, latencies, costs = _lines(report, "| LitServe")
    assert rates == "| LitServe | JSON, 90 kB at 200 | none held | 250* (0.25) |"
    assert latencies.endswith("| – | 2.00 / 4.00 |")
    assert costs.endswith("| 1.25 | 1.25 |")


def test_share_is_of_the_raw_loop_of_its_own_run(report: dict[str, Any]) -> None:
    [rates, *_] = _lines(report, "| Understudy, whole pipeline |")
    assert rates.endswith("| – | 500 (0.25) |")


def test_raw_loop_is_the_middle_of_all_that_ran(report: dict[str, Any]) -> None:
    [rates, *_] = _lines(report, "| ONNX Runtime in a loop")
    assert rates == "| ONNX Runtime in a loop | none | 1000 | 1500 |"


def test_absent_peer_is_told_with_its_reason(report: dict[str, Any]) -> None:
    assert _lines(report, "- ray") == ["- ray: `pip` ended with 1: no such wheel"]


def test_coverage_and_machine_stand_beside_the_figures(report: dict[str, Any]) -> None:
    text = as_markdown(report, "a machine")
    assert text.startswith("2026-01-02, a machine.")
    assert "covered by pair entries: 99% at 200." in text


def test_nothing_measured_is_no_table() -> None:
    assert "|" not in as_markdown(
        {"ray": {"date": "2026-01-02", "sizes": {}, "reason": "none"}}, "a machine"
    )


def test_figures_of_another_machine_are_not_kept(tmp_path: Path, report: dict[str, Any]) -> None:
    path = tmp_path / "report.json"
    assert read_report(path, "a machine") == {}
    path.write_text(json.dumps({"hardware": "a machine", "peers": report}))
    assert read_report(path, "a machine") == report
    assert read_report(path, "another") == {}


def test_plot_of_the_same_figures_is_the_same_file(tmp_path: Path, report: dict[str, Any]) -> None:
    for name in ("one.svg", "two.svg"):
        draw(report, tmp_path / name)
    one, two = ((tmp_path / name).read_text() for name in ("one.svg", "two.svg"))
    assert one == two
    assert "N = 200" in one
    assert "understudy" in one
