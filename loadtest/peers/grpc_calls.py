"""Open Inference Protocol v2 over gRPC: encoded once, so that the load generator sends bytes."""

import asyncio
from typing import Any, Final

import grpc
import numpy as np
from tritonclient.grpc import service_pb2 as pb

from loadtest.connection import Answer
from loadtest.errors import GatewayUnreachable
from loadtest.peers.tensors import Arrays
from loadtest.peers.wires import Scores, Wire, declared

METHOD: Final = "/inference.GRPCInferenceService/ModelInfer"
MAX_BYTES: Final = 64 << 20


class GrpcSender:
    """At most `size` calls in flight over one connection, as `loadtest.pool.Pool` has it."""

    def __init__(self, address: str, size: int) -> None:
        limits = [("grpc.max_receive_message_length", MAX_BYTES)]
        self._channel = grpc.aio.insecure_channel(address, options=limits)
        self._call: Any = self._channel.unary_unary(METHOD)  # no serialisers: bytes in and out
        self._room = asyncio.Semaphore(size)

    async def send(self, request: bytes, timeout_s: float) -> Answer:
        async with asyncio.timeout(timeout_s), self._room:
            try:
                body = await self._call(request, timeout=timeout_s)
            except grpc.aio.AioRpcError as error:
                raise GatewayUnreachable(f"gRPC: {error.code().name}: {error.details()}") from error
        return Answer(200, {}, body)

    async def close(self) -> None:
        await self._channel.close()


def encode_grpc(model: str, arrays: Arrays) -> bytes:
    request = pb.ModelInferRequest(model_name=model)
    for name, array in arrays.items():
        request.inputs.add(**declared(name, array))
        request.raw_input_contents.append(array.tobytes())
    encoded: bytes = request.SerializeToString()
    return encoded


def decode_grpc(answer: Answer) -> Scores:
    response = pb.ModelInferResponse.FromString(answer.body)
    scores = np.frombuffer(response.raw_output_contents[0], np.float32)
    return scores.reshape(tuple(response.outputs[0].shape))


GRPC: Final = Wire("gRPC, v2", encode_grpc, decode_grpc)
