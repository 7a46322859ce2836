"""Ray Serve: one replica on one CPU behind the proxy."""

import os
import signal

import ray
from onnx_model import OnnxModel
from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse

QUIET = {"enable_access_log": False}


@serve.deployment(
    num_replicas=1,
    max_ongoing_requests=64,
    ray_actor_options={"num_cpus": 1},
    logging_config=QUIET,
)
class Ranker:
    def __init__(self) -> None:
        self.model = OnnxModel()

    async def __call__(self, request: Request) -> JSONResponse:
        # A response of its own, for a dict would come in chunks without a content-length.
        return JSONResponse({"scores": self.model.run_lists(await request.json()).tolist()})


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        _temp_dir=os.environ["PEER_RAY_FOLDER"],
        object_store_memory=200 << 20,
        runtime_env={"env_vars": {"PYTHONPATH": here, "PEER_MODEL": os.environ["PEER_MODEL"]}},
    )
    serve.start(
        http_options={"host": "127.0.0.1", "port": int(os.environ["PEER_PORT"])},
        logging_config=QUIET,
    )
    serve.run(Ranker.bind(), route_prefix="/score")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()
