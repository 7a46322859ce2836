"""How often each interval of a slope finds one where there is none, and one that is there.

python -m tests.loadtest.soak.measure_slopes

The slope to be found rises, over all windows, by RISE standard deviations of the series.
"""

from collections.abc import Callable
from typing import Annotated, Final

import numpy as np
import typer
from scipy.stats import norm

from loadtest.soak.slope import HOUR_S, Slope, of_level, of_memory
from tests.loadtest.soak.series import F64, SERIES

RISE: Final = 2.0
RESAMPLES: Final = 200

Judge = Callable[[F64], Slope | None]


def newey_west(values: F64) -> Slope:
    """Bartlett's kernel, with the usual number of lags for so many windows."""
    count = len(values)
    centred = np.arange(count) - (count - 1) / 2.0
    slope = float(centred @ values / (centred @ centred))
    scores = centred * (values - values.mean() - slope * centred)
    lags = int(4 * (count / 100) ** (2 / 9))
    weighed = [(1 - lag / (lags + 1)) * scores[lag:] @ scores[:-lag] for lag in range(1, lags + 1)]
    error = np.sqrt(max(scores @ scores + 2.0 * sum(weighed), 0.0)) / (centred @ centred)
    half = norm.ppf(0.975) * error
    return Slope(slope, slope - half, slope + half)


def theil_sen(values: F64) -> Slope:
    """With a bootstrap of blocks of what the line leaves."""
    count, rng = len(values), np.random.default_rng(len(values))
    first, second = np.triu_indices(count, 1)
    slope = float(np.median((values[second] - values[first]) / (second - first)))
    left = values - slope * np.arange(count)
    length = max(2, round(1.5 * count ** (1 / 3)))
    starts = rng.integers(0, count, (RESAMPLES, -(-count // length)))
    places = (starts[:, :, None] + np.arange(length)) % count
    drawn = left[places.reshape(RESAMPLES, -1)[:, :count]]
    slopes = [np.median((each[second] - each[first]) / (second - first)) for each in drawn]
    low, high = np.quantile(slopes, [0.025, 0.975])
    return Slope(slope, slope - float(high), slope - float(low))


JUDGES: Final[dict[str, Judge]] = {
    "medians of 6 batches, Student's t": lambda values: of_level(values, HOUR_S),
    "10 increments, Student's t": lambda values: of_memory(values, HOUR_S),
    "Newey–West": newey_west,
    "Theil–Sen, bootstrap of blocks": theil_sen,
}


def shares(judge: Judge, name: str, windows: int, times: int) -> tuple[float, float]:
    """Found where there is none; found where there is one, and not as falling."""
    wrong = right = 0
    made = [SERIES[name](np.random.default_rng(seed), windows) for seed in range(times)]
    rise = RISE * float(np.std(made)) / windows
    for values in made:
        told, growing = judge(values), judge(values + rise * np.arange(windows))
        assert told is not None
        assert growing is not None
        wrong += not told.is_flat
        right += growing.low > 0.0
    return wrong / times, right / times


def measure(
    windows: Annotated[int, typer.Option(min=12)] = 150,
    times: Annotated[int, typer.Option(min=10, help="Series of each kind.")] = 1000,
    slow: Annotated[int, typer.Option(min=10, help="The same for the bootstrap.")] = 300,
) -> None:
    typer.echo(f"| interval | {' | '.join(SERIES)} |\n|---|{'---|' * len(SERIES)}")
    for name, judge in JUDGES.items():
        count = slow if judge is theil_sen else times
        told = [shares(judge, kind, windows, count) for kind in SERIES]
        cells = " | ".join(f"{wrong:.0%}, {right:.0%}" for wrong, right in told)
        typer.echo(f"| {name} | {cells} |")


if __name__ == "__main__":
    typer.run(measure)
