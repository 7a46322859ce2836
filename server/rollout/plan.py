"""How a rollout goes: its steps, how long each lasts, and what must be shown in it."""

import tomllib
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from server.rollout.errors import PlanInvalid
from server.rollout.guardrails.plan import GUARDRAILS, Finite, Limit, Plan

MAX_PLAN_BYTES: Final = 1 << 16
PAIRED: Final = ("agreement", "inference")
"""Guardrails that only requests of both lanes can tell of."""
SHADOWED: Final = ("scores", "coverage", *PAIRED)
"""Those that a shadow is judged by."""
NEVER: Final = Limit(requests=1 << 53, share=1.0)


class RolloutPlan(Finite):
    steps: tuple[float, ...] = Field(
        (0.01, 0.05, 0.25, 0.5, 1.0),
        min_length=1,
        max_length=20,
        description="Shares of traffic, each more than the one before, the last 1",
    )
    least_s: float | tuple[float, ...] = Field(
        1200.0,
        description="Least time in a step, one for all or one for each; within attribution_s "
        "of its start no click is judged",
    )
    most_s: float = Field(86_400.0, gt=0, description="Time in a step after which it pauses itself")
    verify_s: float = Field(600.0, gt=0, description="Time that gateways have to open the bundle")
    slowdown: float = Field(
        1.5, gt=0, description="Inference cost in the trial ÷ that of the stable bundle, at most"
    )
    memory_share: float = Field(
        0.9, gt=0, le=1, description="Share of the memory limit that may be taken after loading"
    )
    shadow_share: float = Field(0.1, gt=0, le=1, description="Share of requests that are shadowed")
    shadow_least: int = Field(200, ge=0, description="Shadowed requests before the first step")
    shadow_s: float = Field(60.0, ge=0, description="Least time of shadowing")
    shadow_most_s: float = Field(
        3600.0, gt=0, description="Time to fill the space, and as much again to shadow"
    )
    attribution_s: float = Field(600.0, gt=0, description="Time in which a click counts")
    impressions: Literal["events", "slate"] = Field(
        "events", description="What was shown: what events say, or the whole slate"
    )
    keep_s: float = Field(
        3600.0, ge=0, description="Time that the bundle before stays loaded after the last step"
    )
    top_k: int = Field(
        10,
        ge=1,
        le=1000,
        description="First places that agreement compares, at most a quarter of the candidates",
    )
    max_gap: float = Field(
        0.02, ge=0, le=1, description="Coverage by pairs that another space may cost"
    )
    mark: float = Field(0.0, ge=0, le=1, description="Coverage by pairs that it needs in any case")
    least_candidates: int = Field(
        10_000, ge=1, description="Candidates that a window of filling must have seen"
    )
    window_s: float = Field(60.0, ge=0.5, le=3600, description="Length of a window of filling")
    is_judged: bool = Field(
        True, description="Whether guardrails are asked; without them only hard limits act"
    )
    guardrails: Plan = Field(default_factory=Plan, description="See docs/rollout-guardrails.md")

    @field_validator("steps")
    @classmethod
    def _grow(cls, steps: tuple[float, ...]) -> tuple[float, ...]:
        for before, share in zip((0.0, *steps), steps, strict=False):
            if not before < share <= 1.0:
                raise ValueError(f"{share:g} after {before:g}: give shares that grow, up to 1")
        if steps[-1] != 1.0:
            raise ValueError(f"the last is {steps[-1]:g}: let it be 1")
        return steps

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = self.least_s if isinstance(self.least_s, tuple) else (self.least_s,)
        if isinstance(self.least_s, tuple) and len(given) != len(self.steps):
            raise ValueError(
                f"least_s has {len(given)} values: give one, or {len(self.steps)} as steps has"
            )
        if not all(0.0 <= each <= self.most_s for each in given):
            raise ValueError(f"least_s {self.least_s}: give 0 to most_s, {self.most_s:g}")
        if self.shadow_s > self.shadow_most_s:
            raise ValueError(
                f"shadow_s {self.shadow_s:g}: give at most shadow_most_s, {self.shadow_most_s:g}"
            )
        if not any(self.guardrails.alpha_of(name) for name in GUARDRAILS if name not in PAIRED):
            raise ValueError(
                f"guardrails.weights are 0 for all but {', '.join(PAIRED)}, which no canary is "
                "judged by: leave another one on"
            )
        return self

    def share_of(self, step: int) -> float:
        return self.steps[step]

    def least_s_of(self, step: int) -> float:
        return self.least_s[step] if isinstance(self.least_s, tuple) else self.least_s

    def is_last(self, step: int) -> bool:
        return step >= len(self.steps) - 1

    @property
    def canary_guardrails(self) -> Plan:
        """Nothing is shadowed then. In the last step there is nobody to compare with: its part of
        α is the shadow's."""
        weights = {**self.guardrails.weights, **dict.fromkeys(PAIRED, 0.0)}
        return self._judging(weights=weights)

    @property
    def shadow_guardrails(self) -> Plan:
        """Nobody waits for a shadow, so it is never late; nor is it asked to prove anything. Where
        it lasts long enough for clicks to settle, they tell of its probabilities too."""
        weights = self.guardrails.weights
        labelled = ("calibration",) if self.shadow_s > self.attribution_s else ()
        asked = (*SHADOWED, *labelled)
        kept = {name: weights.get(name, 1.0) for name in asked}
        if not any(kept.values()):
            kept = {"agreement": 1.0}
        off = dict.fromkeys(set(GUARDRAILS) - set(asked), 0.0)
        count = max(self.shadow_least, 1)
        return self._judging(
            weights=off | kept,
            late_limit=NEVER,
            fewest_requests=count,
            most_requests=count,
        )

    def _judging(self, **changed: Any) -> Plan:
        return self.guardrails.model_copy(update={**changed, "ramp_steps": len(self.steps)})


DEFAULT: Final = RolloutPlan()
DIRECT: Final = RolloutPlan(
    steps=(1.0,), least_s=0.0, shadow_least=0, shadow_s=0.0, is_judged=False
)
"""From one bundle to the next as soon as its space is filled, by no statistics."""
NAMED: Final = {"default": DEFAULT, "direct": DIRECT}


def find_plan(named: str) -> RolloutPlan:
    """One of NAMED, or the path of a TOML file. Raises PlanInvalid."""
    return NAMED[named] if named in NAMED else read_plan(Path(named))


def read_plan(path: Path) -> RolloutPlan:
    """Raises PlanInvalid."""
    try:
        if path.stat().st_size > MAX_PLAN_BYTES:
            raise PlanInvalid(f"{path} is larger than {MAX_PLAN_BYTES} bytes: give a plan")
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanInvalid(
            f"{path} cannot be read: {error.strerror}: give a TOML file, or {_names()}"
        ) from error
    except ValueError as error:  # of TOML, or of UTF-8
        raise PlanInvalid(f"{path} is no TOML: {error}: mend it, or give {_names()}") from error
    return plan_of(given, str(path))


def plan_of(given: object, where: str) -> RolloutPlan:
    """Raises PlanInvalid."""
    try:
        return RolloutPlan.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        value = "" if isinstance(first["input"], dict) else f" {first['input']!r}"
        said = first["msg"].removeprefix("Value error, ")
        raise PlanInvalid(f"{where}: {f'{field}{value}: ' if field else ''}{said}") from error


def _names() -> str:
    return " or ".join(sorted(NAMED))
