"""Inference over the Open Inference Protocol: another spelling of POST /v1/rank, on its path."""

import time
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
from server.shed import count_shed
from server.stages import StageClock
from server.wire import RankAnswer


class Served(NamedTuple):
    lane: Lane
    signature: Signature


class Inferred(NamedTuple):
    served: Served
    ranked: Ranked
    answer: RankAnswer
    outputs: list[Tensor]

    @property
    def parameters(self) -> dict[str, str | float]:
        return parameters_of(self.answer)


class OpenInference:
    """What both transports do alike."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.door = gateway.door
        self.statistics = Statistics(lambda: time.time_ns() // 1_000_000)
        self._served: Served | None = None

    def serving(self) -> Served:
        """Raises NotReady."""
        lane = self.gateway.lane
        if self._served is None or self._served.lane is not lane:
            self._served = Served(lane, signature_of(lane.model.manifest))
        return self._served

    def check_ready(self) -> None:
        """Raises NotReady, while draining too."""
        self.gateway.check_open()
        self.serving()

    def model(self, name: str, version: str | None = None) -> Served:
        """Raises NotReady, UnknownModel."""
        served = self.serving()
        model = served.lane.model
        if name != model.manifest.name:
            raise UnknownModel(
                f"the model served here is {model.manifest.name}",
                field="model",
                value=name,
                remedy="name the one that is served",
            )
        if version and version != model.version:
            raise UnknownModel(
                f"the version served here is {model.version}",
                field="version",
                value=version,
                remedy="leave the version out, or name the one that is served",
            )
        return served

    async def infer(
        self, served: Served, call: Call, clock: StageClock, holder: Holder | None, scope: Scope
    ) -> Inferred:
        """Raises ServingError, and HungUp when the caller left before its turn."""
        with named_by_input():
            request = read(served.signature, call)
            caller = self.door.enter(holder, request, scope)
            ranked = await served.lane.ranker.rank(request, clock, caller)
        answer = served.lane.answers.write(ranked)
        outputs = outputs_of(served.signature, call, ranked)
        return Inferred(served, ranked, answer, outputs)

    def tell(self, inferred: Inferred, clock: StageClock) -> None:
        """Once the answer is sent."""
        lane = inferred.served.lane
        self.statistics.succeeded(lane.model.version, clock)
        lane.feedback.tell(inferred.ranked, inferred.answer, clock)

    def refused(self, served: Served | None, error: ServingError, clock: StageClock) -> None:
        count_shed(self.gateway.metrics, error)
        if served is not None:
            self.statistics.failed(served.lane.model.version, clock)
