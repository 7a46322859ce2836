"""Triton: the server of nvidia-pytriton's wheel, run directly with its python backend.

Becomes the server: what started this script holds the server's own process.
"""

import os
import sys
from pathlib import Path

import pytriton

HELD = Path(pytriton.__file__).parent / "tritonserver"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
STUB = HELD / "python_backend_stubs" / VERSION / "triton_python_backend_stub"


def lay_backend(folder: Path) -> None:
    """The backend looks for the stub of this Python beside itself."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (*(HELD / "backends" / "python").glob("*.*"), STUB):
        link = folder / file.name
        if not link.exists():
            link.symlink_to(file)


if __name__ == "__main__":
    backends = Path(os.environ["PEER_SCRATCH"]) / "backends"
    lay_backend(backends / "python")
    options = {
        "model-repository": os.environ["PEER_REPOSITORY"],
        "backend-directory": backends,
        "http-address": "127.0.0.1",
        "http-port": os.environ["PEER_PORT"],
        "grpc-address": "127.0.0.1",
        "grpc-port": os.environ["PEER_GRPC_PORT"],
        "allow-metrics": "false",
    }
    server = str(HELD / "bin" / "tritonserver")
    os.execv(server, [server, *(f"--{name}={value}" for name, value in options.items())])
