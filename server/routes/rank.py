"""POST /v1/rank. Plain ASGI: no framework object is built for a request."""

from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from server import problems
from server.arrival import ANSWER, ARRIVED_NS, Headers
from server.body import BodyReader
from server.caller import HungUp
from server.errors import ServingError
from server.gateway import Gateway
from server.rollout.lanes.routing import Routing, forced_lane
from server.shed import count_shed
from server.slow.asked import ASKED, Asked, asked_of, ids_of
from server.stages import StageClock
from server.tracing.answers import left, refuse, told_of
from server.tracing.operation import post
from server.wire import RankRequest

PATH: Final = "/v1/rank"
OPERATION: Final = post(PATH)


class RankRoute:
    """Answers its own refusals too, so that it can stand before the framework."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._door = gateway.door
        self._slow = gateway.slow
        self._tracer = gateway.tracer
        token = gateway.settings.admin_token
        self._token = None if token is None else token.get_secret_value().encode()
        self._answered = gateway.metrics.requests.count(PATH, "200")
        gateway.metrics.requests.count(PATH, "500")  # 0 at first, or rate() would miss the first
        self._body = BodyReader(RankRequest, gateway.settings.max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tracer = self._tracer
        traced = None if tracer is None else tracer.begin(scope, OPERATION)
        clock = traced or StageClock(scope.get(ARRIVED_NS))
        try:
            await self._answer(clock, scope, receive, send)
        except (ClientDisconnect, HungUp) as error:
            left(self._gateway.metrics, error, clock)
        except ServingError as error:
            count_shed(self._gateway.metrics, error)
            self._refused(clock, error.status, scope)
            await refuse(problems.refusal(error), error, clock, scope, receive, send)
        except Exception as error:
            self._refused(clock, 500, scope)
            fault = problems.fault(error, PATH, **ids_of(scope, clock))
            await refuse(fault, error, clock, scope, receive, send)

    async def _answer(self, clock: StageClock, scope: Scope, receive: Receive, send: Send) -> None:
        self._gateway.check_ready()
        holder = self._door.check(scope)
        request, codec = await self._body.read(scope, receive)
        routing = self._routing(request, scope)
        is_plain = routing.candidate is None
        lane = routing.stable.lane if is_plain else routing.choose(request.user_id)
        with lane.in_hand:
            try:
                caller = self._door.enter(holder, request, scope)
                ranked = await lane.ranker.rank(request, clock, caller)
                answer = lane.answers.write(ranked)
                body = codec.encode(answer)
            except Exception as error:
                routing.failed(lane, request.user_id, error)
                scope[ASKED] = Asked(request, lane, holder)
                raise
            clock.mark("encode")
            headers = [
                (b"content-type", codec.media_type),
                (b"content-length", str(len(body)).encode()),
                (b"server-timing", clock.server_timing()),
            ]
            trace = clock.trace
            if trace is not None:
                headers.append(trace.header)
            await self._send(headers, body, scope, send)
            lane.feedback.tell(ranked, answer, clock)
            if trace is not None:
                trace.answered(clock, 200, told_of(ranked, answer))
            slow = self._slow
            if slow is not None and clock.total_ns > slow.ring.above_ns:
                slow.answered(clock, ranked, answer, holder)
            if not is_plain:
                routing.tell(lane, ranked, answer, clock)

    def _refused(self, clock: StageClock, status: int, scope: Scope) -> None:
        if self._slow is not None:
            self._slow.refused(clock, status, asked_of(scope))

    def _routing(self, request: RankRequest, scope: Scope) -> Routing:
        routing = self._gateway.vertical(request.model).routing
        if self._token is None:
            return routing
        forced = forced_lane(scope["headers"], self._token)
        return routing if forced is None else routing.only(forced)

    async def _send(self, headers: Headers, body: bytes, scope: Scope, send: Send) -> None:
        answer = scope.get(ANSWER)
        if answer is not None and answer(scope, headers, body):
            self._answered.value += 1
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
