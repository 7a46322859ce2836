"""What grows while a load lasts: latency and the memory of each process, as report.json has it."""

from typing import Any, Final

from loadtest.run.samples import Samples
from loadtest.run.scenario import Slopes
from loadtest.soak.memory import Memory
from loadtest.soak.slope import FEWEST, Slope, of_level, of_memory
from loadtest.soak.windows import Windows, windows_of

FLAT: Final = "indistinguishable from zero"


def judged(samples: Samples, memory: Memory, seconds: float, wanted: Slopes) -> dict[str, Any]:
    windows = windows_of(samples, memory, seconds, wanted.window_s)
    first = wanted.settled(seconds)
    return {
        "window_s": wanted.window_s,
        "settled_s": first * wanted.window_s,
        **slopes_of(windows.between(first)),
        "windows": windows.as_json(),
    }


def slopes_of(windows: Windows) -> dict[str, Any]:
    """Of all that are given. What cannot be told has the number of windows that it takes."""
    return {
        "latency_ms_h": {
            name: _told(of_level(values, windows.window_s))
            for name, values in windows.latency_ms.items()
        },
        "rss_mb_h": {
            name: _told(of_memory(values, windows.window_s))
            for name, values in windows.rss_mb.items()
        },
    }


def _told(slope: Slope | None) -> dict[str, Any]:
    return {"needs": FEWEST} if slope is None else slope.as_json()


def words(slope: dict[str, Any], unit: str) -> str:
    """`+0.31 ms/h (−0.20 to 0.82), indistinguishable from zero`."""
    if "value" not in slope:
        return f"cannot be told: it takes {slope['needs']} windows without a gap"
    interval = f"{slope['low']:.2f} to {slope['high']:.2f}"
    told = f"{slope['value']:+.2f} {unit}/h ({interval})"
    return f"{told}, {FLAT}" if slope["is_flat"] else told
