"""What each spelling of one request costs; `python -m` this module prints it.

One caller, 200 candidates, no cache; client and gateway in one process.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import tritonclient.grpc
import tritonclient.http

from loadtest.stack import free_port
from tests.bundles import rank_body, serving_folder
from tests.server.live import live_gateway, settings_for
from tests.server.open_inference.clients import http_client, inputs_of

CANDIDATES: Final = 200
CALLS: Final = 400
ROUNDS: Final = 5


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = serving_folder(Path(name))
        [student] = folder.glob("student-*")
        port = free_port("127.0.0.1")
        settings = settings_for(student, grpc_port=port, served_share=0.0)
        with live_gateway(settings) as rest:
            address = f"127.0.0.1:{rest.base_url.port}"
            grpc = tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{port}")
            with http_client(address) as http, grpc:
                measure(calls(rest, http, grpc))


def calls(rest: Any, http: Any, grpc: Any) -> dict[str, Callable[[], Any]]:
    body = rank_body("user-1", CANDIDATES)
    packed = msgspec.msgpack.encode(body)
    arrays = {
        "user_id": np.array([body["user_id"]], np.object_),
        "item_ids": np.array(body["item_ids"], np.object_),
        "placement": np.array(["feed"], np.object_),
        "slot_width": np.array([320.0], np.float32),
    }
    binary, plain = (
        inputs_of(tritonclient.http, arrays, binary_data=is_binary) for is_binary in (True, False)
    )
    messages = inputs_of(tritonclient.grpc, arrays)
    scores = {
        kind: [tritonclient.http.InferRequestedOutput("scores", binary_data=kind)]
        for kind in (True, False)
    }
    named = [tritonclient.grpc.InferRequestedOutput("scores")]
    media = {"Content-Type": "application/msgpack"}
    return {
        "/v1/rank, JSON": lambda: rest.post("/v1/rank", json=body),
        "/v1/rank, MessagePack": lambda: rest.post("/v1/rank", content=packed, headers=media),
        "/v2 infer, JSON": lambda: http.infer("student", plain, outputs=scores[False]),
        "/v2 infer, binary": lambda: http.infer("student", binary, outputs=scores[True]),
        "gRPC ModelInfer": lambda: grpc.infer("student", messages, outputs=named),
    }


def measure(by_name: dict[str, Callable[[], Any]]) -> None:
    """The best of several rounds, for other work on the machine only ever adds."""
    best = dict.fromkeys(by_name, (float("inf"), float("inf")))
    for _ in range(ROUNDS):
        for name, call in by_name.items():
            times = sorted(_timed(call) for _ in range(CALLS))
            best[name] = min(best[name], (times[CALLS // 2], times[CALLS * 99 // 100]))
    for name, (p50, p99) in best.items():
        print(f"| {name} | {p50 * 1e3:.2f} | {p99 * 1e3:.2f} |")  # noqa: T201


def _timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
