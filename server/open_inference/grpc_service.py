"""GRPCInferenceService: each of its methods that is served here."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any, Final

import grpc
import msgspec
from starlette.types import Scope
from tritonclient.grpc import service_pb2 as pb

from server.arrival import HUNG_UP
from server.caller import HungUp
from server.errors import NotReady, ServingError, UnknownModel
from server.open_inference.descriptions import index, model_config, model_metadata, server_metadata
from server.open_inference.grpc_messages import answer_of, call_of
from server.open_inference.refusals import FAULT, fault, refusal_text
from server.open_inference.service import Inferred, OpenInference
from server.problems import let_go
from server.shed import count_hung_up
from server.stages import StageClock
from server.tracing.operation import Operation
from server.tracing.trace import Trace

SERVICE: Final = "inference.GRPCInferenceService"
CODES: Final = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}

Method = Callable[[Any, Any], Awaitable[Any]]


class GrpcService:
    def __init__(self, service: OpenInference, version: str) -> None:
        """`version` is the server's."""
        self._service = service
        self._version = version
        self._requests = service.gateway.metrics.requests

    def handler(self) -> Any:
        """What is not named here the server answers with UNIMPLEMENTED."""
        methods: dict[str, tuple[Method, Any]] = {
            "ServerLive": (self._server_live, pb.ServerLiveRequest),
            "ServerReady": (self._server_ready, pb.ServerReadyRequest),
            "ServerMetadata": (self._server_metadata, pb.ServerMetadataRequest),
            "ModelReady": (self._model_ready, pb.ModelReadyRequest),
            "ModelMetadata": (self._model_metadata, pb.ModelMetadataRequest),
            "ModelConfig": (self._model_config, pb.ModelConfigRequest),
            "ModelStatistics": (self._model_statistics, pb.ModelStatisticsRequest),
            "RepositoryIndex": (self._repository_index, pb.RepositoryIndexRequest),
            "ModelInfer": (self._model_infer, pb.ModelInferRequest),
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                self._answered(name, method),
                request_deserializer=kind.FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
            for name, (method, kind) in methods.items()
        }
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    def _answered(self, name: str, method: Method) -> Method:
        route = f"/{SERVICE}/{name}"

        async def answered(request: Any, context: Any) -> Any:
            try:
                answer = await method(request, context)
            except asyncio.CancelledError:
                count_hung_up(self._service.gateway.metrics)
                raise
            except HungUp as error:
                count_hung_up(self._service.gateway.metrics)
                let_go(error)
                await context.abort(grpc.StatusCode.CANCELLED, "the caller left")
            except ServingError as error:
                code = CODES.get(error.status, grpc.StatusCode.INTERNAL)
                self._requests.count(route, code.name).value += 1
                let_go(error)
                await context.abort(code, refusal_text(error), _trailers(error))
            except Exception as error:
                self._requests.count(route, grpc.StatusCode.INTERNAL.name).value += 1
                fault(error, route)
                let_go(error)
                await context.abort(grpc.StatusCode.INTERNAL, FAULT)
            self._requests.count(route, grpc.StatusCode.OK.name).value += 1
            return answer

        return answered

    async def _server_live(self, request: Any, context: Any) -> Any:
        try:
            self._service.gateway.check_alive()
        except NotReady:
            return pb.ServerLiveResponse(live=False)
        return pb.ServerLiveResponse(live=True)

    async def _server_ready(self, request: Any, context: Any) -> Any:
        try:
            self._service.check_ready()
        except NotReady:
            return pb.ServerReadyResponse(ready=False)
        return pb.ServerReadyResponse(ready=True)

    async def _server_metadata(self, request: Any, context: Any) -> Any:
        return pb.ServerMetadataResponse(**_plain(server_metadata(self._version)))

    async def _model_ready(self, request: Any, context: Any) -> Any:
        try:
            self._service.model(request.name, request.version)
        except (NotReady, UnknownModel):
            return pb.ModelReadyResponse(ready=False)
        return pb.ModelReadyResponse(ready=True)

    async def _model_metadata(self, request: Any, context: Any) -> Any:
        served = self._service.model(request.name, request.version)
        return pb.ModelMetadataResponse(**_plain(model_metadata(*served)))

    async def _model_config(self, request: Any, context: Any) -> Any:
        served = self._service.model(request.name, request.version)
        return pb.ModelConfigResponse(config=_plain(model_config(*served)))

    async def _model_statistics(self, request: Any, context: Any) -> Any:
        named = (request.name, request.version)
        every = [self._service.model(*named)] if request.name else self._service.every()
        models = [served.lane.model for served in every]
        told = [self._service.statistics.of(each.manifest.name, each.version) for each in models]
        return pb.ModelStatisticsResponse(model_stats=[_plain(each) for each in told])

    async def _repository_index(self, request: Any, context: Any) -> Any:
        every = self._service.every()
        models = [_plain(each) for served in every for each in index(served.lane)]
        return pb.RepositoryIndexResponse(models=models)

    async def _model_infer(self, request: Any, context: Any) -> Any:
        scope, tracer = _scope(context), self._service.gateway.tracer
        traced = None if tracer is None else tracer.begin(scope, OPERATION)
        clock = traced or StageClock()
        if traced is not None:
            context.set_trailing_metadata(_metadata(traced.trace))
        with ExitStack() as held:
            inferred, answer = await self._inferred(request, context, scope, clock, held)
            clock.mark("encode")
            # Behind the answer, which is sent once this method has returned it.
            told = (inferred, clock, held.pop_all())
            asyncio.get_running_loop().call_soon(self._tell, *told)
        return answer

    async def _inferred(
        self, request: Any, context: Any, scope: Scope, clock: StageClock, held: ExitStack
    ) -> tuple[Inferred, Any]:
        """With its answer: a fault in writing one is a fault of this request too."""
        served = None
        try:
            served = self._service.model(request.model_name, request.model_version)
            holder = self._service.door.check(scope)
            call = call_of(request, left_of(context))
            inferred = await self._service.infer(served, call, clock, holder, scope, held)
            return inferred, answer_of(inferred)
        except ServingError as error:
            self._service.refused(served, error, clock, scope)
            _failed(clock, error)
            raise
        except (Exception, asyncio.CancelledError) as error:
            if not isinstance(error, asyncio.CancelledError | HungUp):
                self._service.ended(clock, 500, scope)
            _failed(clock, error)
            raise

    def _tell(self, inferred: Inferred, clock: StageClock, held: ExitStack) -> None:
        with held:
            self._service.tell(inferred, clock)


def _status(status: int) -> dict[str, int]:
    code = grpc.StatusCode.OK if status == 200 else CODES.get(status, grpc.StatusCode.INTERNAL)
    return {"rpc.grpc.status_code": code.value[0]}


OPERATION: Final = Operation(
    f"{SERVICE}/ModelInfer",
    {"rpc.system": "grpc", "rpc.service": SERVICE, "rpc.method": "ModelInfer"},
    _status,
)


def _failed(clock: StageClock, error: BaseException) -> None:
    if clock.trace is not None:
        clock.trace.failed(clock, error)


def _metadata(trace: Trace) -> tuple[tuple[str, str], ...]:
    name, value = trace.header
    return ((name.decode(), value.decode()),)


def _plain(struct: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(struct)
    return plain


def left_of(context: Any) -> float | None:
    left_s = context.time_remaining()
    return None if left_s is None else max(left_s, 1e-6) * 1000.0


def _scope(context: Any) -> dict[str, Any]:
    """What the door looks at."""
    headers = [
        (name.encode(), value.encode() if isinstance(value, str) else value)
        for name, value in context.invocation_metadata() or ()
    ]
    return {"type": "grpc", "headers": headers, HUNG_UP: context.cancelled}


def _trailers(error: ServingError) -> tuple[tuple[str, str], ...]:
    return (("retry-after", str(error.retry_after_s)),) if error.retry_after_s else ()
