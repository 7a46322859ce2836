"""The proxy as a process of its own: what it does costs the generator nothing."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from loadtest.chaos.listener import HOST
from loadtest.errors import ProcessMissing

MODULE: Final = "loadtest.chaos.proxy"
ENDS_WITHIN_S: Final = 10.0


class Proxied:
    """A context that is entered once the proxy listens."""

    def __init__(self, port: int, target: Path) -> None:
        self._port = port
        self._command = [sys.executable, "-m", MODULE, str(port), str(target)]

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self._port}/0"

    async def switch(self, trouble: Mapping[str, Any]) -> None:
        """Holds when it returns; nothing named is nothing wrong. Raises ProcessMissing."""
        await asyncio.to_thread(self._told, json.dumps(dict(trouble)), "ok")

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, text=True)
        try:
            self._told("", "ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *ending: object) -> None:
        self._process.kill()
        self._process.wait(ENDS_WITHIN_S)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _told(self, line: str, wanted: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if line:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        said = self._process.stdout.readline().strip()
        if said != wanted:
            raise ProcessMissing(f"the proxy on port {self._port} said {said!r}, not {wanted!r}")
