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
from server.shed import count_hung_up, count_shed
from server.stages import StageClock
from server.wire import RankRequest

PATH: Final = "/v1/rank"


class RankRoute:
    """Answers its own refusals too, so that it can stand before the framework."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._door = gateway.door
        self._answered = gateway.metrics.requests.count(PATH, "200")
        self._body = BodyReader(RankRequest, gateway.settings.max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        clock = StageClock(scope.get(ARRIVED_NS))
        try:
            await self._answer(clock, scope, receive, send)
        except (ClientDisconnect, HungUp):
            count_hung_up(self._gateway.metrics)
        except ServingError as error:
            count_shed(self._gateway.metrics, error)
            await problems.refusal(error)(scope, receive, send)
        except Exception as error:
            await problems.fault(error, PATH)(scope, receive, send)

    async def _answer(self, clock: StageClock, scope: Scope, receive: Receive, send: Send) -> None:
        lane, holder = self._gateway.lane, self._door.check(scope)
        request, codec = await self._body.read(scope, receive)
        caller = self._door.enter(holder, request, scope)
        ranked = await lane.ranker.rank(request, clock, caller)
        answer = lane.answers.write(ranked)
        body = codec.encode(answer)
        clock.mark("encode")
        headers = [
            (b"content-type", codec.media_type),
            (b"content-length", str(len(body)).encode()),
            (b"server-timing", clock.server_timing()),
        ]
        await self._send(headers, body, scope, send)
        lane.feedback.tell(ranked, answer, clock)

    async def _send(self, headers: Headers, body: bytes, scope: Scope, send: Send) -> None:
        answer = scope.get(ANSWER)
        if answer is not None and answer(scope, headers, body):
            self._answered.value += 1
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
