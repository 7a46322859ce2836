"""What a run must keep to, from a TOML file and from the command line."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loadtest.errors import BudgetInvalid
from loadtest.run.percentile import CLAIMED
from loadtest.soak.slopes import words

Ms = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Growth = Annotated[float, Field(gt=0)]


class Percentiles(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    p50_ms: Ms | None = None
    p90_ms: Ms | None = None
    p95_ms: Ms | None = None
    p99_ms: Ms | None = None


class Budget(Percentiles):
    """Percentiles from the intended time of sending; by stage as `Server-Timing` tells them."""

    stages: dict[str, Percentiles] = {}
    errors: Share | None = None  # neither 200 nor 429, at most
    shed: Share | None = None  # 429, at most
    degraded: Share | None = None  # of the answers, at most
    coverage: Share | None = None  # of the candidates, at least
    answered: Share = 0.98  # of the intended rate, at least
    p99_slope_ms_h: Growth | None = None  # the whole interval, at most
    rss_slope_mb_h: Growth | None = None  # the same, of every process


class Line(NamedTuple):
    """One limit held against its figure."""

    name: str
    limit: float
    measured: float | None
    holds: bool
    text: str


LEAST: Final = ("coverage", "answered")
NO_SLOPES: Final = "run `soak`, or a scenario with `slopes`; memory with --up"


def read_budget(path: Path | None, limits: Sequence[str] = ()) -> Budget | None:
    """None where neither says anything. `limits` are NAME=VALUE and win, `stages.cache.p99_ms=2`
    among them. Raises BudgetInvalid."""
    told = _read(path) if path is not None else {}
    for limit in limits:
        _set(told, limit)
    if not told:
        return None
    try:
        return Budget.model_validate(told)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        raise BudgetInvalid(
            f"{path or 'limits'}: {where} {wrong['input']!r}: {wrong['msg']}; "
            f"docs/loadtest.md lists the names"
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BudgetInvalid(f"{path}: {error}: give a TOML file such as p99_ms = 50") from error


def _set(told: dict[str, Any], limit: str) -> None:
    name, equals, value = limit.partition("=")
    *folders, last = name.strip().split(".")
    try:
        number = float(value)
    except ValueError:
        equals = ""
    if not equals:
        raise BudgetInvalid(f"limit {limit!r}: write NAME=NUMBER, such as p99_ms=50")
    for folder in folders:
        told = told.setdefault(folder, {})
    told[last] = number


def judge(budget: Budget, report: Mapping[str, Any]) -> list[Line]:
    """A percentile that its answers are too few to claim is not held."""
    lines = list(_percentiles("", budget, report["latency_ms"]))
    for stage, limits in budget.stages.items():
        lines += _percentiles(f"{stage} ", limits, report["stages_ms"].get(stage, {}))
    rate = report["rate"]
    figures = {**report["shares"], "answered": rate["answered"] / rate["intended"]}
    lines += _slopes(budget, report.get("slopes") or {})
    return lines + [
        _share(name, limit, figures[name])
        for name in ("errors", "shed", "degraded", "coverage", "answered")
        if (limit := getattr(budget, name)) is not None
    ]


def _percentiles(
    prefix: str, limits: Percentiles, figures: Mapping[str, Mapping[str, float]]
) -> Iterator[Line]:
    for name in CLAIMED:
        limit: float | None = getattr(limits, f"{name}_ms", None)
        if limit is not None:
            yield _percentile(prefix + name, limit, figures.get(name, {}))


def _percentile(name: str, limit: float, figure: Mapping[str, float]) -> Line:
    if "value" not in figure:
        needs = f"it takes {figure['needs']} answers" if "needs" in figure else "nobody tells it"
        return Line(name, limit, None, False, f"{name} cannot be told: {needs}")
    value, holds = figure["value"], figure["value"] <= limit
    interval = f"{figure['low']:.1f} to {figure['high']:.1f}"
    word = "within" if holds else "above"
    text = f"{name} {value:.1f} ms ({interval}) is {word} {limit:g} ms"
    return Line(name, limit, value, holds, text)


def _slopes(budget: Budget, slopes: Mapping[str, Any]) -> Iterator[Line]:
    latency, resident = slopes.get("latency_ms_h", {}), slopes.get("rss_mb_h", {})
    if budget.p99_slope_ms_h is not None:
        yield _slope("p99 slope", budget.p99_slope_ms_h, latency.get("p99"), "ms")
    if budget.rss_slope_mb_h is not None:
        for name, slope in (resident or {"rss": None}).items():
            yield _slope(f"{name} slope", budget.rss_slope_mb_h, slope, "MB")


def _slope(name: str, limit: float, slope: dict[str, Any] | None, unit: str) -> Line:
    """What the run cannot rule out counts: the upper end is held against the limit."""
    if slope is None:
        return Line(name, limit, None, False, f"{name} cannot be told: {NO_SLOPES}")
    if "value" not in slope:
        return Line(name, limit, None, False, f"{name} {words(slope, unit)}")
    holds = slope["high"] <= limit
    word = "within" if holds else "not within"
    text = f"{name} {words(slope, unit)}, is {word} {limit:g} {unit}/h"
    return Line(name, limit, slope["value"], holds, text)


def _share(name: str, limit: float, figure: float | None) -> Line:
    if figure is None:
        return Line(name, limit, None, False, f"{name} cannot be told: no answer has it")
    holds = figure >= limit if name in LEAST else figure <= limit
    bound = "least" if name in LEAST else "most"
    of = " of the intended rate" if name == "answered" else ""
    return Line(name, limit, figure, holds, f"{name} {figure:.2%}{of}, at {bound} {limit:.2%}")
