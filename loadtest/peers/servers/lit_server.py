"""LitServe: one worker, one API server, no batching (a request is a batch of candidates)."""

import os

import litserve as ls
import numpy as np
from onnx_model import OnnxModel


class Ranker(ls.LitAPI):
    def setup(self, device: str) -> None:
        self.model = OnnxModel()

    def decode_request(self, request: dict) -> dict[str, list]:
        return request

    def predict(self, inputs: dict[str, list]) -> np.ndarray:
        return self.model.run_lists(inputs)

    def encode_response(self, output: np.ndarray) -> dict[str, list]:
        return {"scores": output.tolist()}


if __name__ == "__main__":
    server = ls.LitServer(Ranker(), accelerator="cpu", workers_per_device=1, timeout=60)
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PEER_PORT"]),
        num_api_servers=1,
        log_level="warning",
        generate_client_file=False,
    )
