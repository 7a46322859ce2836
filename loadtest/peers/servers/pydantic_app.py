"""FastAPI as its documentation has it: a pydantic model in, one out, blocking work in a `def`."""

from typing import Annotated

import numpy as np
from fastapi import Body, FastAPI
from onnx_model import OnnxModel
from pydantic import BaseModel, create_model

NUMBER = {np.int64: int, np.float32: float}


def nested(element: type, rank: int) -> type:
    return nested(list[element], rank - 1) if rank else element


model = OnnxModel()
Inputs = create_model(
    "Inputs",
    **{name: (nested(NUMBER[kind], model.ranks[name]), ...) for name, kind in model.dtypes.items()},
)
app = FastAPI()


class Scores(BaseModel):
    scores: list[list[float]]


@app.post("/score")
def score(inputs: Annotated[Inputs, Body()]) -> Scores:
    return Scores(scores=model.run_lists(vars(inputs)).tolist())
