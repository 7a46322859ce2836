"""A real tritonserver with its python backend, from the environment that `make triton` builds."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from cache import lifeline
from loadtest.stack import free_port
from tests.server.live import wait_until

ENVIRONMENT = Path(
    os.environ.get("TRITON_ENVIRONMENT", Path(__file__).resolve().parents[2] / "build" / "triton")
)
HOST = "127.0.0.1"
SHARED_MEMORY = Path("/dev/shm")
PYTHON = ENVIRONMENT / "bin" / "python"


class TritonServer:
    """Ports stay the same however often it is started."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self._folder = folder
        self._repository = repository
        self._process: subprocess.Popen[bytes] | None = None
        self.grpc_port, self.http_port = free_port(HOST), free_port(HOST)
        self._regions = f"triton-{os.getpid()}-{self.grpc_port}"
        """What its python backend calls its shared memory, which one that is killed leaves."""

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Until it is ready."""
        path = f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}"
        with (self._folder / "tritonserver.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, lifeline.__file__, str(os.getpid()), *self._command()],
                env=os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=log,
                # With the processes of its python backend, in a group that is ended together.
                start_new_session=True,
            )
        wait_until(self._is_ready, f"tritonserver; see {log.name}")

    def signal(self, number: int) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            for region in SHARED_MEMORY.glob(f"{self._regions}*"):
                region.unlink()

    def _command(self) -> list[str]:
        server, backends = self._binaries()
        options: dict[str, Any] = {
            "model-repository": self._repository,
            "backend-directory": backends,
            "http-address": HOST,
            "http-port": self.http_port,
            "grpc-address": HOST,
            "grpc-port": self.grpc_port,
            "allow-metrics": "false",
            "backend-config": f"python,shm-region-prefix-name={self._regions}",
        }
        return [str(server), *(f"--{name}={value}" for name, value in options.items())]

    def _binaries(self) -> tuple[Path, Path]:
        """The server, and its backends with the stub of the environment's Python beside them."""
        [packages] = ENVIRONMENT.glob("lib/python*/site-packages")
        held = packages / "pytriton" / "tritonserver"
        version = packages.parent.name.removeprefix("python")
        backend = self._folder / "backends" / "python"
        if not backend.exists():
            backend.mkdir(parents=True)
            stub = held / "python_backend_stubs" / version / "triton_python_backend_stub"
            for file in (*(held / "backends" / "python").glob("*.*"), stub):
                (backend / file.name).symlink_to(file)
        return held / "bin" / "tritonserver", backend.parent

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "tritonserver ended: see its log"
        try:
            with urlopen(f"http://{HOST}:{self.http_port}/v2/health/ready", timeout=1.0) as told:
                return bool(told.status == 200)
        except OSError:
            return False
