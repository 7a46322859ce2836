import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtest.run.report import compose, render
from loadtest.run.scenario import Slopes, find_scenario
from loadtest.soak.slopes import slopes_of
from loadtest.soak.windows import Windows
from tests.bundles import NOW_MS, rank_body, serving_folder
from tests.loadtest.measure_soak import LEAKING, load_of, soaked
from tests.loadtest.run.reports import figures
from tests.loadtest.soak.control import Leak, reading_of
from tests.loadtest.soak.leaking import OWN, in_place
from tests.loadtest.soak.page import as_markdown, draw
from tests.loadtest.soak.series import resembling, spiky

LEAK = Leak(2048, 1.0, 100.0)
FACTS = {"date": "2026-11-26", "hardware": "a machine", "load": "100 requests/s, 0 of 9 failed",
         "command": "python -m tests.loadtest.measure_soak build/demo"}  # fmt: skip


def _figures(windows: int, seed: int, mb_h: float = 0.0, ms_h: float = 0.0) -> dict[str, Any]:
    rng, at_h = np.random.default_rng(seed), np.arange(windows) / 360.0
    calm = resembling(0.5)
    latency = {"p50": 5.0 + 0.3 * calm(rng, windows), "p99": 15.0 + spiky(rng, windows)}
    memory = {name: 200.0 + 0.2 * calm(rng, windows) for name in ("valkey", "gateway")}
    memory["gateway"] = memory["gateway"] + mb_h * at_h
    grown = {name: values + ms_h * at_h for name, values in latency.items()}
    made = Windows(10.0, grown, memory)
    told = {"window_s": 10.0, "settled_s": 30.0, **slopes_of(made.between(3))}
    return {"slopes": {**told, "windows": made.as_json()}}


def test_a_leak_is_told_from_a_sound_gateway_and_a_sound_one_is_not() -> None:
    sound = _figures(180, seed=1)
    leaking = reading_of(sound, _figures(48, seed=2, mb_h=LEAK.mb_h, ms_h=LEAK.ms_h), LEAK)
    assert leaking.is_told_apart
    assert leaking.as_short.minutes == leaking.control.minutes == 7.5
    same = reading_of(sound, _figures(48, seed=3), LEAK)
    assert not any(same.told_apart.values())


def test_the_table_says_zero_where_it_cannot_tell_and_what_the_leak_is() -> None:
    sound, control = _figures(180, 1), _figures(48, 2, LEAK.mb_h, LEAK.ms_h)
    table = as_markdown(reading_of(sound, control, LEAK), FACTS)
    lines = table.splitlines()
    assert lines[0].startswith("2026-11-26, a machine; 100 requests/s")
    assert lines[4].startswith("| sound | 29.5 | 0 (")
    assert lines[5].startswith("| sound, the second half | 14.8 | 0 (")
    assert lines[7].count("**") == 6  # p50, p99 and the gateway, but not Valkey
    assert "737 MB/h and 360 ms/h by construction" in table
    assert "the gateway's memory told apart" in table


def test_the_plot_has_both_gateways() -> None:
    drawn = draw(_figures(30, 1)["slopes"], _figures(20, 2)["slopes"])
    assert drawn.startswith("<svg")
    assert "leaking" in drawn


def test_a_report_with_slopes_has_a_section_for_them() -> None:
    told = {**figures(), **_figures(60, 1)}
    page = render(compose(_facts(), "http://127.0.0.1:1", told, None))
    assert page.count("<svg") == 5
    assert "<td>resident, gateway</td>" in page
    assert "indistinguishable from zero" in page


def _facts() -> dict[str, Any]:
    return {"scenario": find_scenario("soak").model_dump(), "loop": "open", "seconds": 9.0,
            "requests_from": "seed", "wire": "json", "seed": 7}  # fmt: skip


def test_only_the_gateways_command_is_replaced() -> None:
    argv = (sys.executable, "-m", "understudy", "serve", "--from", "understudy-demo")
    assert in_place(argv) == (sys.executable, "-m", OWN, "serve", "--from", "understudy-demo")


@pytest.mark.redis
@pytest.mark.slow
def test_a_gateway_that_leaks_is_seen_to(tmp_path: Path) -> None:
    folder = serving_folder(tmp_path)
    lines = [{"request": rank_body(f"user-{n}", 20, timestamp_ms=NOW_MS), "shown": []}
             for n in range(20)]  # fmt: skip
    (folder / "replay.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    leak, slopes = Leak(400_000, 20.0, 30.0), Slopes(window_s=1.0, settle_s=3.0)
    load = load_of(folder, leak.rate, 16.0, slopes)
    told = soaked(folder, tmp_path / "live", load, LEAKING, leak.settings)
    assert told["failed"] == 0
    resident = told["slopes"]["rss_mb_h"]
    assert resident["gateway"]["low"] > 0.5 * leak.mb_h
    assert resident["valkey"]["value"] < 0.1 * leak.mb_h
