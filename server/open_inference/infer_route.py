"""POST /v2/models/{model}/infer. Plain ASGI, as the rank route is."""

from contextlib import ExitStack
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from server.arrival import ARRIVED_NS
from server.body import BodyReader
from server.caller import HungUp
from server.counted import COUNTED_AS
from server.errors import ServingError
from server.open_inference import refusals
from server.open_inference.content_coding import decoded
from server.open_inference.framing import (
    BINARY,
    HEADER_LENGTH_BYTES,
    JSON,
    Asked,
    Body,
    framed,
    unframed,
)
from server.open_inference.service import OpenInference, Served
from server.open_inference.wire import InferRequest
from server.slow.asked import ids_of
from server.stages import StageClock
from server.tracing.answers import left, refuse
from server.tracing.operation import post

COUNTED: Final = "/v2/models/{model}/infer"
OPERATION: Final = post(COUNTED)


class InferRoute:
    def __init__(self, service: OpenInference) -> None:
        self._service = service
        self._max_bytes = service.gateway.settings.max_body_bytes
        self._body = BodyReader(InferRequest, self._max_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[COUNTED_AS] = COUNTED
        tracer = self._service.gateway.tracer
        traced = None if tracer is None else tracer.begin(scope, OPERATION)
        clock = traced or StageClock(scope.get(ARRIVED_NS))
        served = None
        try:
            served = self._service.model(**scope["path_params"])
            await self._answer(served, clock, scope, receive, send)
        except (ClientDisconnect, HungUp) as error:
            left(self._service.gateway.metrics, error, clock)
        except ServingError as error:
            self._service.refused(served, error, clock, scope)
            await refuse(refusals.refusal(error), error, clock, scope, receive, send)
        except Exception as error:
            self._service.ended(clock, 500, scope)
            fault = refusals.fault(error, COUNTED, **ids_of(scope, clock))
            await refuse(fault, error, clock, scope, receive, send)

    async def _answer(
        self, served: Served, clock: StageClock, scope: Scope, receive: Receive, send: Send
    ) -> None:
        holder = self._service.door.check(scope)
        asked = await self._read(scope, receive)
        with ExitStack() as held:
            inferred = await self._service.infer(served, asked.call, clock, holder, scope, held)
            body = framed(inferred, asked)
            clock.mark("encode")
            headers = [*_headers(body), (b"server-timing", clock.server_timing())]
            if clock.trace is not None:
                headers.append(clock.trace.header)
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body.content})
            self._service.tell(inferred, clock)

    async def _read(self, scope: Scope, receive: Receive) -> Asked:
        headers = dict(scope["headers"])
        coding = headers.get(b"content-encoding", b"").strip().lower()
        body = decoded(await self._body.raw(scope, receive), coding, self._max_bytes)
        return unframed(body, headers.get(HEADER_LENGTH_BYTES))


def _headers(body: Body) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-type", JSON if body.header_length is None else BINARY),
        (b"content-length", str(len(body.content)).encode()),
    ]
    if body.header_length is not None:
        headers.append((HEADER_LENGTH_BYTES, str(body.header_length).encode()))
    return headers
