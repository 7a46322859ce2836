"""The model as all of the peers in Python run it: ONNX Runtime, one thread, no spinning.

Nothing of this folder is imported by Understudy; each server runs in an environment of its own.
"""

import os

import numpy as np
import onnxruntime as ort

DTYPES = {"tensor(int64)": np.int64, "tensor(float)": np.float32}


class OnnxModel:
    def __init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            os.environ["PEER_MODEL"], options, providers=["CPUExecutionProvider"]
        )
        inputs = self._session.get_inputs()
        self.dtypes = {node.name: DTYPES[node.type] for node in inputs}
        self.ranks = {node.name: len(node.shape) for node in inputs}

    def run(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
        """Logits `[N, T]`."""
        return self._session.run(None, arrays)[0]

    def run_lists(self, lists: dict[str, list]) -> np.ndarray:
        return self.run({name: np.array(lists[name], dtype) for name, dtype in self.dtypes.items()})
