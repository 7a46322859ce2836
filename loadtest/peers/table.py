"""The peers: how each is started, where it is asked and in which form.

Commands run in `servers/` with the environment's own binaries; braces are filled in by
`loadtest.peers.process`.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from loadtest.peers.errors import PeerFailed
from loadtest.peers.grpc_calls import GRPC
from loadtest.peers.wires import JSON, MSGPACK, OPEN_INFERENCE, OPEN_INFERENCE_BINARY, Wire

MODEL_NAME: Final = "student"
INFER: Final = f"/v2/models/{MODEL_NAME}/infer"


class Peer(NamedTuple):
    name: str
    title: str
    environment: str  # `servers/<it>.txt` are its requirements
    wire: Wire
    path: str  # of the URL; the model's name over gRPC
    command: Sequence[str]
    settings: Mapping[str, str] = {}
    needs_repository: bool = False  # of Triton, written by `understudy triton`
    starts_on_both: bool = False  # cores: gives up on parts of itself that are slow to start


def _uvicorn(app: str) -> Sequence[str]:
    """As fast as it goes on one core: uvloop, httptools, no access log."""
    listen = ("--host", "{host}", "--port", "{port}", "--loop", "uvloop", "--http", "httptools")
    return ("python", "-m", "uvicorn", app, *listen, "--no-access-log", "--log-level", "warning")


BENTO: Final = {"BENTOML_DO_NOT_TRACK": "true", "BENTOML_HOME": "{scratch}/bentoml"}
MLSERVER: Final = {
    "MLSERVER_HOST": "{host}",
    "MLSERVER_HTTP_PORT": "{port}",
    "MLSERVER_GRPC_PORT": "{grpc_port}",
    "MLSERVER_METRICS_PORT": "{metrics_port}",
    "MLSERVER_PARALLEL_WORKERS": "0",  # one core: a process of workers would only add copies
    "MLSERVER_DEBUG": "false",
    "MLSERVER_MODEL_NAME": MODEL_NAME,
    "MLSERVER_MODEL_IMPLEMENTATION": "mlserver_runtime.Ranker",
}
RAY: Final = {
    "PEER_RAY_FOLDER": "{short_scratch}",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",
}
TRITON: Final = ("python", "triton_server.py")
MSGSPEC_APP: Final = _uvicorn("msgspec_app:app")

PEERS: Final = (
    Peer("fastapi-msgpack", "FastAPI by hand", "fastapi_msgspec", MSGPACK, "/msgpack", MSGSPEC_APP),
    Peer("fastapi-msgspec", "FastAPI by hand", "fastapi_msgspec", JSON, "/json", MSGSPEC_APP),
    Peer(
        "fastapi-pydantic",
        "FastAPI, pydantic",
        "fastapi_pydantic",
        JSON,
        "/score",
        _uvicorn("pydantic_app:app"),
    ),
    Peer("litserve", "LitServe", "litserve", JSON, "/predict", ("python", "lit_server.py")),
    Peer(
        "bentoml",
        "BentoML",
        "bentoml",
        JSON,
        "/score",
        ("bentoml", "serve", "bento_service:Ranker", "--host", "{host}", "--port", "{port}"),
        BENTO,
    ),
    Peer(
        "ray",
        "Ray Serve",
        "ray",
        JSON,
        "/score",
        ("python", "ray_deployment.py"),
        RAY,
        starts_on_both=True,
    ),
    Peer(
        "mlserver",
        "MLServer",
        "mlserver",
        OPEN_INFERENCE,
        INFER,
        ("mlserver", "start", "{scratch}"),
        MLSERVER,
    ),
    Peer(
        "triton-json",
        "Triton, python backend",
        "triton",
        OPEN_INFERENCE,
        INFER,
        TRITON,
        needs_repository=True,
    ),
    Peer(
        "triton-http",
        "Triton, python backend",
        "triton",
        OPEN_INFERENCE_BINARY,
        INFER,
        TRITON,
        needs_repository=True,
    ),
    Peer(
        "triton-grpc",
        "Triton, python backend",
        "triton",
        GRPC,
        MODEL_NAME,
        TRITON,
        needs_repository=True,
    ),
)


def named(names: Sequence[str], ours: Sequence[str]) -> list[str]:
    """All of them, ours first, when none is named. Raises PeerFailed."""
    known = [*ours, *(peer.name for peer in PEERS)]
    for name in names:
        if name not in known:
            raise PeerFailed(f"--peers {name!r} is not known: choose of {', '.join(known)}")
    return list(names) or known


def by_name(name: str) -> Peer:
    return next(peer for peer in PEERS if peer.name == name)
