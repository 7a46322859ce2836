"""What a process says of the rollouts that it follows."""

from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge

from server.collectors import Tally
from server.rollout.state import Stage, State

PREFIX: Final = "understudy_rollout"


class RolloutMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._stage = Gauge(
            f"{PREFIX}_stage", "1 for the stage that a model's rollout is in",
            ["model", "stage"], registry=registry,
        )  # fmt: skip
        self._share = Gauge(
            f"{PREFIX}_share", "Share of users that the candidate answers here", ["model"],
            registry=registry,
        )  # fmt: skip
        self._rollbacks = Counter(
            "understudy_rollbacks_total",
            "Rollouts that this process saw rolled back, by controller or hand",
            ["model", "by"], registry=registry,
        )  # fmt: skip
        self._following = Gauge(
            f"{PREFIX}_following", "1 while this process learns what the others agree on",
            ["model"], registry=registry,
        )  # fmt: skip
        self._paused = Gauge(
            f"{PREFIX}_paused", "1 while a rollout is paused, by itself or by hand", ["model"],
            registry=registry,
        )  # fmt: skip
        self.evidence = Tally(
            "understudy_evidence_total", "Answers and events by what became of them as evidence",
            "model", "what",
        )  # fmt: skip
        registry.register(self.evidence)

    def follow(self, model: str, before: State | None, state: State, share: float) -> None:
        """`share` is what this process lets the candidate answer, which it may not have."""
        self._following.labels(model).set(1)
        self._share.labels(model).set(share)
        self._paused.labels(model).set(state.is_running and state.is_paused)
        for by in DECIDERS:
            self._rollbacks.labels(model, by)  # 0 at first: rate() would miss the first one
        for stage in get_args(Stage):
            self._stage.labels(model, stage).set(stage == state.stage)
        if state.stage == "rolled_back" and before is not None and before.stage != state.stage:
            self._rollbacks.labels(model, CONTROLLER if state.by == CONTROLLER else HAND).inc()

    def lose(self, model: str) -> None:
        """The last state holds."""
        self._following.labels(model).set(0)


CONTROLLER: Final = "controller"
HAND: Final = "hand"
DECIDERS: Final = (CONTROLLER, HAND)
