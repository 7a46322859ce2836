"""How Triton is to run a bundle."""

from typing import Annotated, Literal, NamedTuple

import typer

Backend = Literal["onnxruntime", "python"]
BackendOption = Annotated[
    Backend, typer.Option(help="python runs the graph where Triton has no ONNX backend.")
]


class Serving(NamedTuple):
    backend: Backend = "onnxruntime"
    instances: int = 1  # of the model on each device
    tensorrt: bool = False
