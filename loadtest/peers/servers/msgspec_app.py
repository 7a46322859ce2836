"""FastAPI by hand: msgspec decodes typed, the model runs on the event loop, no threads.

`/json` takes nested lists, `/msgpack` each tensor as its bytes with a shape.
"""

import msgspec
import numpy as np
from fastapi import FastAPI, Request, Response
from onnx_model import OnnxModel

NUMBER = {np.int64: int, np.float32: float}


class Tensor(msgspec.Struct):
    shape: list[int]
    data: memoryview


def nested(element: type, rank: int) -> type:
    return nested(list[element], rank - 1) if rank else element


model = OnnxModel()
lists = {name: nested(NUMBER[kind], model.ranks[name]) for name, kind in model.dtypes.items()}
json_decoder = msgspec.json.Decoder(msgspec.defstruct("Lists", lists.items()))
msgpack_decoder = msgspec.msgpack.Decoder(dict[str, Tensor])
msgpack_encoder = msgspec.msgpack.Encoder()
json_encoder = msgspec.json.Encoder()
app = FastAPI()


@app.post("/json")
async def json_scores(request: Request) -> Response:
    body = json_decoder.decode(await request.body())
    arrays = {name: np.array(getattr(body, name), kind) for name, kind in model.dtypes.items()}
    answer = {"scores": model.run(arrays).tolist()}
    return Response(json_encoder.encode(answer), media_type="application/json")


@app.post("/msgpack")
async def msgpack_scores(request: Request) -> Response:
    tensors = msgpack_decoder.decode(await request.body())
    scores = model.run({name: _array(name, tensors[name]) for name in model.dtypes})
    answer = {"scores": Tensor(list(scores.shape), scores.data)}
    return Response(msgpack_encoder.encode(answer), media_type="application/msgpack")


def _array(name: str, tensor: Tensor) -> np.ndarray:
    return np.frombuffer(tensor.data, model.dtypes[name]).reshape(tensor.shape)
