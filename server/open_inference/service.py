"""Inference over the Open Inference Protocol: another spelling of POST /v1/rank, on its path."""

import time
from contextlib import ExitStack
from typing import NamedTuple

from starlette.types import Scope

from server.access.key_ring import Holder
from server.errors import ServingError, UnknownModel
from server.gateway import Gateway
from server.lane import Lane
from server.open_inference.call import Call
from server.open_inference.outputs import outputs_of, parameters_of
from server.open_inference.reading import named_by_input, read
from server.open_inference.signature import Signature, signature_of
from server.open_inference.statistics import Statistics
from server.open_inference.tensors import Tensor
from server.ranked import Ranked
from server.rollout.lanes.routing import Routing
from server.shed import count_shed
from server.slow.asked import ASKED, Asked, asked_of
from server.stages import StageClock
from server.tracing.answers import told_of
from server.wire import RankAnswer


class Served(NamedTuple):
    lane: Lane  # the stable one
    signature: Signature


class Inferred(NamedTuple):
    served: Served
    routing: Routing
    lane: Lane  # that answered
    ranked: Ranked
    answer: RankAnswer
    outputs: list[Tensor]
    holder: Holder | None = None

    @property
    def parameters(self) -> dict[str, str | float]:
        return parameters_of(self.answer)


class OpenInference:
    """What both transports do alike."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.door = gateway.door
        self.statistics = Statistics(lambda: time.time_ns() // 1_000_000)
        self._served: dict[str, Served] = {}

    def serving(self, name: str | None = None) -> Served:
        """Of the model of that name; of the first without one. Raises NotReady, UnknownModel."""
        vertical = self.gateway.vertical(name)
        lane, served = vertical.lane, self._served.get(vertical.name)
        if served is None or served.lane is not lane:
            served = self._served[vertical.name] = Served(lane, signature_of(lane.model.manifest))
        return served

    def every(self) -> list[Served]:
        """Raises NotReady."""
        return [self.serving(name) for name in self.gateway.verticals]

    def check_ready(self) -> None:
        """Raises NotReady, while draining too."""
        self.gateway.check_open()
        self.serving()

    def model(self, name: str, version: str | None = None) -> Served:
        """Raises NotReady, UnknownModel."""
        served = self.serving(name)
        model = served.lane.model
        if version and version != model.version:
            raise UnknownModel(
                f"the version served here is {model.version}",
                field="version",
                value=version,
                remedy="leave the version out, or name the one that is served",
            )
        return served

    async def infer(
        self,
        served: Served,
        call: Call,
        clock: StageClock,
        holder: Holder | None,
        scope: Scope,
        held: ExitStack,
    ) -> Inferred:
        """By the lane that is the user's, which has the request in hand until `held` is closed:
        after `tell`. Raises ServingError, and HungUp when the caller left before its turn."""
        with named_by_input():
            request = read(served.signature, call)
            caller = self.door.enter(holder, request, scope)
            routing = self.gateway.vertical(served.lane.model.manifest.name).routing
            lane = routing.choose(request.user_id)
            held.enter_context(lane.in_hand)
            try:
                ranked = await lane.ranker.rank(request, clock, caller)
                answer = lane.answers.write(ranked)
                outputs = outputs_of(served.signature, call, ranked)
            except Exception as error:
                routing.failed(lane, request.user_id, error)
                scope[ASKED] = Asked(request, lane, holder)
                raise
        return Inferred(served, routing, lane, ranked, answer, outputs, holder)

    def tell(self, inferred: Inferred, clock: StageClock) -> None:
        """Once the answer is sent."""
        lane = inferred.lane
        self.statistics.succeeded(lane.model.version, clock)
        lane.feedback.tell(inferred.ranked, inferred.answer, clock)
        inferred.routing.tell(lane, inferred.ranked, inferred.answer, clock)
        if clock.trace is not None:
            clock.trace.answered(clock, 200, told_of(inferred.ranked, inferred.answer))
        slow = self.gateway.slow
        if slow is not None and clock.total_ns > slow.ring.above_ns:
            slow.answered(clock, inferred.ranked, inferred.answer, inferred.holder)

    def ended(self, clock: StageClock, status: int, scope: Scope) -> None:
        """Without an answer."""
        if self.gateway.slow is not None:
            self.gateway.slow.refused(clock, status, asked_of(scope))

    def refused(
        self, served: Served | None, error: ServingError, clock: StageClock, scope: Scope
    ) -> None:
        count_shed(self.gateway.metrics, error)
        self.ended(clock, error.status, scope)
        if served is not None:
            self.statistics.failed(served.lane.model.version, clock)
