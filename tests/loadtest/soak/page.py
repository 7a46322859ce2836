"""What a soak and its control found, as docs/performance.md and docs/soak.svg have it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtest.svg import styled
from tests.loadtest.soak.control import GATEWAY, Judged, Reading

SOUND: Final = "#2a9d8f"
LEAKING: Final = "#d1603d"
LATENCIES: Final = ("p50", "p99")
NO_VALUE: Final = float("nan")


def as_markdown(reading: Reading, facts: Mapping[str, Any]) -> str:
    processes = list(reading.sound.slopes["rss_mb_h"])
    heads = [f"{name}, ms/h" for name in LATENCIES] + [f"{name}, MB/h" for name in processes]
    leak = reading.leak
    lines = [
        f"{facts['date']}, {facts['hardware']}; {facts['load']}; `{facts['command']}`.",
        "",
        f"| gateway | judged, minutes | {' | '.join(heads)} |",
        "|---|---|" + "---|" * len(heads),
        *(_row(each, processes) for each in reading.judged),
        "",
        f"0: the interval has zero in it. The leak, {leak.kept_bytes} bytes and "
        f"{leak.delay_us:g} µs a request, is {leak.mb_h:.0f} MB/h and {leak.ms_h:.0f} ms/h by "
        f"construction. {_verdict(reading)}",
        "",
        "![p99 and the gateway's memory by window](soak.svg)",
    ]
    return "\n".join(lines)


def _row(judged: Judged, processes: Sequence[str]) -> str:
    cells = [_cell(judged.of("latency_ms_h", name)) for name in LATENCIES]
    cells += [_cell(judged.of("rss_mb_h", name)) for name in processes]
    return f"| {judged.name} | {judged.minutes:.3g} | {' | '.join(cells)} |"


def _cell(slope: Mapping[str, Any]) -> str:
    if "value" not in slope:
        return "too few windows"
    interval = f"({slope['low']:.1f} to {slope['high']:.1f})"
    return f"0 {interval}" if slope["is_flat"] else f"**{slope['value']:+.1f}** {interval}"


def _verdict(reading: Reading) -> str:
    words = {True: "told apart", False: "not told apart"}
    told = [f"{name} {words[is_so]}" for name, is_so in reading.told_apart.items()]
    return f"From the sound run: {', '.join(told)}."


@styled
def draw(sound: Mapping[str, Any], control: Mapping[str, Any]) -> Figure:
    """Of `slopes` of report.json: above p99, below the gateway's memory, each by window."""
    drawn = Figure(figsize=(7.5, 4.6), layout="constrained")
    above, below = drawn.subplots(2, 1, sharex=True)
    for told, name, colour in ((sound, "sound", SOUND), (control, "leaking", LEAKING)):
        _line(above, told, told["windows"]["latency_ms"]["p99"], name, colour)
        resident = told["windows"]["rss_mb"].get(GATEWAY, [])
        _line(below, told, resident, name, colour)
    above.set(ylabel="p99, ms", ylim=(0, None))
    below.set(ylabel="gateway's memory, MB", xlabel="minutes", ylim=(0, None))
    above.legend(loc="upper right", frameon=False)
    return drawn


def _line(
    axes: Axes, told: Mapping[str, Any], values: Sequence[Any], name: str, colour: str
) -> None:
    """What is left to settle is drawn thin."""
    minutes = (np.arange(len(values)) + 0.5) * told["window_s"] / 60.0
    series = np.array([NO_VALUE if value is None else value for value in values], np.float64)
    counts = minutes * 60.0 >= told["settled_s"]
    axes.plot(minutes, series, color=colour, lw=0.6)
    axes.plot(minutes[counts], series[counts], color=colour, label=name)
