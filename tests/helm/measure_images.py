"""What the steps of the Containerfile leave, where no container engine is.

    python -m tests.helm.measure_images gateway refresher

Runs them in an empty folder: copies what is copied, makes the environment, installs what is
installed, runs every command that is wanted of the image with --help, and prints what it all takes
and which packages take most.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.helm.containerfile import ROOT, stages, targets

TORCH: Final = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is not None)"
LARGEST: Final = 4
ALSO: Final = {
    "gateway": ("ingest", "rollout", "cache", "key", "doctor"), "refresher": ("worth",),
}  # fmt: skip
"""Commands beside the image's own: of the chart, and of docs/kubernetes.md within a pod."""


def copy_sources(app: Path) -> None:
    for line in stages()["source"].all("COPY"):
        *sources, target = line.split()
        for source in sources:
            if (ROOT / source).is_dir():
                skip = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, app / target, ignore=skip)
            else:
                shutil.copy(ROOT / source, app / source)


def run_steps(stage: str, app: Path, venv: Path) -> None:
    """RUN lines of a build stage, by this Python and its pip."""
    own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "EXTRA_PACKAGES": ""}
    quiet = {"PIP_QUIET": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    for step in stages()[stage].all("RUN"):
        here = step.replace("/venv", str(venv))
        subprocess.run(here, shell=True, cwd=app, env=os.environ | own | quiet, check=True)


def megabytes(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def largest(venv: Path) -> str:
    [packages] = venv.glob("lib/python*/site-packages")
    sizes = {path.name: megabytes(path) for path in packages.iterdir() if path.is_dir()}
    most = sorted(sizes, key=lambda name: -sizes[name])[:LARGEST]
    return ", ".join(f"{name} {sizes[name]:.0f}" for name in most)


def measure(target: str) -> str:
    with tempfile.TemporaryDirectory() as name:
        app, venv = Path(name, "app"), Path(name, "venv")
        app.mkdir()
        copy_sources(app)
        run_steps("source", app, venv)
        run_steps(f"with-{target}", app, venv)
        [command, *_] = json.loads(stages()[target].all("CMD")[0])
        for each in (command, *ALSO.get(target, ())):
            run = [str(venv / "bin/understudy"), each, "--help"]
            bare = {"PATH": "/usr/bin:/bin", "HOME": name, "PYTHONDONTWRITEBYTECODE": "1"}
            subprocess.run(run, cwd=app, env=bare, check=True, stdout=subprocess.DEVNULL)
        has_torch = subprocess.run([str(venv / "bin/python"), "-c", TORCH], check=False).returncode
        torch = "yes" if has_torch else "no"
        sizes = f"{megabytes(venv):.0f} | {megabytes(app):.1f}"
        return f"| `{target}` | {sizes} | {largest(venv)} | {torch} |"


def main() -> None:
    rows = [measure(target) for target in sys.argv[1:] or targets()]
    head = [
        "| image | environment, MB | source, MB | most of it, MB | torch |",
        "|---|---|---|---|---|",
    ]
    sys.stdout.write("\n".join([*head, *rows]) + "\n")


if __name__ == "__main__":
    main()
