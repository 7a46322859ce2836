"""A bundle's graph behind Triton's python backend, for servers without the ONNX Runtime one.

`understudy triton` copies this file beside the graph; it runs there, with numpy and onnxruntime and
nothing of this project.
"""

from pathlib import Path
from typing import Any

import onnxruntime as ort
import triton_python_backend_utils as triton


class TritonPythonModel:
    """The name and the methods that the backend looks for."""

    def initialize(self, args: dict[str, str]) -> None:
        graph = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        options = ort.SessionOptions()
        # Instances are what scales: threads of several sessions would be in each other's way.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        wanted = "CUDAExecutionProvider" if args["model_instance_kind"] == "GPU" else ""
        held = [name for name in ort.get_available_providers() if name == wanted]
        self._session = ort.InferenceSession(
            str(graph), options, providers=[*held, "CPUExecutionProvider"]
        )
        self._inputs = [node.name for node in self._session.get_inputs()]
        self._outputs = [node.name for node in self._session.get_outputs()]

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        """One request's error is its own answer."""
        try:
            arrays = {
                name: triton.get_input_tensor_by_name(request, name).as_numpy()
                for name in self._inputs
            }
            answers = self._session.run(None, arrays)
        except Exception as error:
            return triton.InferenceResponse(error=triton.TritonError(str(error)))
        tensors = map(triton.Tensor, self._outputs, answers)
        return triton.InferenceResponse(output_tensors=list(tensors))
