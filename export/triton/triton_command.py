"""`understudy triton`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from export.triton.repository import write_repository
from export.triton.serving import BackendOption, Serving


def triton(
    bundle: Annotated[Path, typer.Argument(help="A bundle folder.")],
    repository: Annotated[Path, typer.Argument(help="Triton's model repository.")],
    backend: BackendOption = "onnxruntime",
    name: Annotated[
        str | None, typer.Option(help="Of the model.  [default: the bundle folder's]")
    ] = None,
    instances: Annotated[int, typer.Option(min=1, help="Of the model on each device.")] = 1,
    tensorrt: Annotated[
        bool, typer.Option("--tensorrt", help="Accelerate the ONNX backend with TensorRT.")
    ] = False,
) -> None:
    """Write a bundle into a Triton model repository."""
    serving = Serving(backend, instances, tensorrt)
    folder = write_repository(repository, bundle, serving, name)
    Console().print(f"{folder}: start tritonserver with --model-repository {repository}")
