"""One bash that is given block after block, so that what one sets the next one has."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Final, Self

PATIENCE_S: Final = 240.0
END: Final = "\x04"
PROLOGUE: Final = f"""
understudy() {{ {sys.executable} -m understudy "$@"; }}
python() {{ {sys.executable} "$@"; }}
"""


class Shell:
    """`understudy` and `python` are those of the test's own environment."""

    def __init__(self, folder: Path) -> None:
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.run(PROLOGUE)

    def run(self, block: str) -> str:
        """What it printed; every command in it must have ended with 0."""
        assert self._bash.stdin is not None
        guarded = f"set -e\n{block}\nset +e\nprintf '\\n{END}\\n'\n"
        self._bash.stdin.write(guarded)
        self._bash.stdin.flush()
        ending = threading.Timer(PATIENCE_S, self._bash.kill)
        ending.start()
        try:
            return self._told(block)
        finally:
            ending.cancel()

    def _told(self, block: str) -> str:
        assert self._bash.stdout is not None
        lines: list[str] = []
        for line in self._bash.stdout:
            if line.rstrip("\n") == END:
                return "".join(lines).rstrip("\n")
            lines.append(line)
        raise AssertionError(f"a command failed, or took too long, in:\n{block}\n{''.join(lines)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bash.kill()
        self._bash.communicate()
