"""The demo's student rolled out, from what `understudy export` left to the report."""

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from loadtest.demo.rollout.live import rehearse
from loadtest.demo.rollout.timeline import compose
from loadtest.errors import StepFailed

MODULE: Final = "export.rehearsal"


def rolled_out(
    out: Path, host: str, settings: Mapping[str, str], console: Console
) -> dict[str, Any]:
    """What report.json holds of it. Raises LoadTestError."""
    began, folder = time.monotonic(), out / "rollout"
    shutil.rmtree(folder, ignore_errors=True)  # every replay starts from a cold cache
    prepare(out / "serving", folder)
    told = compose(rehearse(folder, host, settings, console))
    return {"took_s": time.monotonic() - began, **told}


def prepare(serving: Path, folder: Path) -> None:
    """Raises StepFailed."""
    command = (sys.executable, "-m", MODULE, str(serving), "--out", str(folder))
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise StepFailed(f"`python -m {MODULE}` ended with {done.returncode}; its words are above")
