"""BentoML: one service, one worker, its input declared as arrays."""

from typing import Annotated

import bentoml
import numpy as np
from bentoml.validators import DType
from numpy.typing import NDArray
from onnx_model import OnnxModel
from pydantic import create_model

model = OnnxModel()
Inputs = create_model(
    "Inputs",
    __base__=bentoml.IODescriptor,
    **{
        name: (Annotated[NDArray[kind], DType(np.dtype(kind).name)], ...)
        for name, kind in model.dtypes.items()
    },
)


@bentoml.service(workers=1, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Ranker:
    @bentoml.api(input_spec=Inputs)
    def score(self, **inputs: np.ndarray) -> dict[str, list[list[float]]]:
        return {"scores": model.run(inputs).tolist()}
