"""A virtual environment a peer, made from pinned requirements and kept until these change."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from loadtest.peers.errors import PeerFailed

SERVERS: Final = Path(__file__).parent / "servers"
MADE_FROM: Final = ".made-from"
SHARED: Final = {"triton": Path("build/triton")}
"""Made by `make triton`, of the same packages."""


def environment(name: str, folder: Path) -> Path:
    """The folder of its programs. Raises PeerFailed with pip's last word."""
    shared = SHARED.get(name)
    if shared is not None and next(shared.glob("lib/python*/site-packages/pytriton"), None):
        return shared.resolve() / "bin"
    made, requirements = folder.resolve() / name, SERVERS / f"{name}.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if _made_from(made) != wanted:
        _run([sys.executable, "-m", "venv", "--clear", str(made)])
        _run([str(made / "bin" / "python"), "-m", "pip", "install", "-r", str(requirements)])
        (made / MADE_FROM).write_text(wanted, encoding="utf-8")
    return made / "bin"


def _made_from(folder: Path) -> str:
    path = folder / MADE_FROM
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        words = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
        said = next((line for line in words if "ERROR" in line), words[-1] if words else "")
        raise PeerFailed(f"`{' '.join(command[1:])}` ended with {done.returncode}: {said}")
