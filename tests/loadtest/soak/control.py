"""A soak beside one that leaks: what each says, and whether the leak is told from what is sound."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from loadtest.soak.slope import HOUR_S
from loadtest.soak.slopes import slopes_of
from loadtest.soak.windows import Windows, windows_from
from tests.loadtest.soak.leaking import BYTES, DELAY_US

GATEWAY: Final = "gateway"


class Leak(NamedTuple):
    """By construction, at `rate` requests a second."""

    kept_bytes: int
    delay_us: float
    rate: float

    @property
    def settings(self) -> dict[str, str]:
        return {BYTES: str(self.kept_bytes), DELAY_US: str(self.delay_us)}

    @property
    def mb_h(self) -> float:
        return self.kept_bytes * self.rate * HOUR_S / 1e6

    @property
    def ms_h(self) -> float:
        return self.delay_us * self.rate * HOUR_S / 1e3


class Judged(NamedTuple):
    """One run, or a part of one."""

    name: str
    minutes: float
    slopes: Mapping[str, Any]

    def of(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.slopes[kind].get(name, {"needs": 0})
        return found


class Reading(NamedTuple):
    sound: Judged
    second_half: Judged
    """Of what is judged: whether what grows goes on growing."""
    as_short: Judged
    """The first part of the sound run that is judged, as long as the control's."""
    control: Judged
    leak: Leak

    @property
    def judged(self) -> tuple[Judged, ...]:
        return self.sound, self.second_half, self.as_short, self.control

    @property
    def told_apart(self) -> dict[str, bool]:
        """By what leaks: the control grows, and by more than the sound run can."""
        return {
            "the gateway's memory": _is_above(
                self.control.of("rss_mb_h", GATEWAY), self.sound.of("rss_mb_h", GATEWAY)
            ),
            "p50": _is_above(
                self.control.of("latency_ms_h", "p50"), self.sound.of("latency_ms_h", "p50")
            ),
            "p99": _is_above(
                self.control.of("latency_ms_h", "p99"), self.sound.of("latency_ms_h", "p99")
            ),
        }

    @property
    def is_told_apart(self) -> bool:
        return all(self.told_apart.values())


def _is_above(control: Mapping[str, float], sound: Mapping[str, float]) -> bool:
    if "value" not in control or "value" not in sound:
        return False
    return control["low"] > max(sound["high"], 0.0)


def reading_of(sound: Mapping[str, Any], control: Mapping[str, Any], leak: Leak) -> Reading:
    whole, short = _counted(sound["slopes"]), _counted(control["slopes"])
    length = _length(short)
    part, half = whole.between(0, length), whole.between(_length(whole) // 2)
    return Reading(
        Judged("sound", _minutes(whole), slopes_of(whole)),
        Judged("sound, the second half", _minutes(half), slopes_of(half)),
        Judged("sound, as long as the control", _minutes(part), slopes_of(part)),
        Judged("leaking", _minutes(short), slopes_of(short)),
        leak,
    )


def _counted(slopes: Mapping[str, Any]) -> Windows:
    """Those behind the settling."""
    windows = windows_from(slopes)
    return windows.between(round(slopes["settled_s"] / slopes["window_s"]))


def _minutes(windows: Windows) -> float:
    return _length(windows) * windows.window_s / 60.0


def _length(windows: Windows) -> int:
    return len(next(iter(windows.latency_ms.values())))
