"""The serving folder of the small run, exported once in a test run."""

import shutil
from pathlib import Path

from export.export_command import export
from tests.made_once import made_once
from tests.trained import small_run

REQUESTS = 50


def small_serving(folder: Path) -> Path:
    """`folder/serving`, and beside it its `log`, its `run` and the `models` that Triton reads."""
    run = small_run(folder)

    def make(made: Path) -> None:
        export(run, made / "serving", requests=REQUESTS, triton=made / "models")

    made = made_once("small_serving", folder, make)
    for name in ("serving", "models"):
        shutil.copytree(made / name, folder / name, symlinks=True)
    return folder / "serving"
