"""What the steps of the Containerfile leave, where no container engine is.

    python -m tests.helm.measure_images gateway refresher

Runs them in an empty folder: copies what is copied, makes the environment, installs the extras,
runs the image's command with --help from there, and prints what it all takes.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.helm.containerfile import ROOT, extras_of, stages, targets

TORCH = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is not None)"


def copy_sources(app: Path) -> None:
    for line in stages()["source"].all("COPY"):
        *sources, target = line.split()
        for source in sources:
            if (ROOT / source).is_dir():
                skip = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, app / target, ignore=skip)
            else:
                shutil.copy(ROOT / source, app / source)


def install(app: Path, venv: Path, target: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    extras = ",".join(sorted(extras_of(target)))
    pip = [str(venv / "bin/pip"), "install", "--quiet", "-c", "constraints.txt"]
    subprocess.run([*pip, "-e", f".[{extras}]"], cwd=app, check=True)


def megabytes(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def measure(target: str) -> str:
    with tempfile.TemporaryDirectory() as name:
        app, venv = Path(name, "app"), Path(name, "venv")
        app.mkdir()
        copy_sources(app)
        install(app, venv, target)
        [command, *_] = json.loads(stages()[target].all("CMD")[0])
        run = [str(venv / "bin/understudy"), command, "--help"]
        subprocess.run(run, cwd=app, check=True, stdout=subprocess.DEVNULL)
        has_torch = subprocess.run([str(venv / "bin/python"), "-c", TORCH], check=False).returncode
        torch = "yes" if has_torch else "no"
        return f"| `{target}` | {megabytes(venv):.0f} | {megabytes(app):.1f} | {torch} |"


def main() -> None:
    rows = [measure(target) for target in sys.argv[1:] or targets()]
    head = ["| image | environment, MB | source, MB | torch |", "|---|---|---|---|"]
    sys.stdout.write("\n".join([*head, *rows]) + "\n")


if __name__ == "__main__":
    main()
