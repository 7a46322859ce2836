"""A worker as its supervisor starts it.

python -m server.workers.process FOLDER NUMBER WORKERS
"""

import faulthandler
import sys
from pathlib import Path

from server.environment import load_settings
from server.running import run
from server.workers.worker import Worker


def main() -> None:
    faulthandler.enable()  # where its threads are, for whoever ends it by SIGABRT
    folder, number, workers = sys.argv[1:]
    run(load_settings(), Worker(Path(folder), int(number), int(workers)))


if __name__ == "__main__":
    main()
