"""What a small `understudy up` serves, with a log of requests."""

import json
from pathlib import Path

from tests.bundles import NOW_MS, rank_body, serving_folder

PATIENT = {"UNDERSTUDY_DEADLINE_MS": "1900"}
"""On a machine that runs other tests too, the default would be a test of that machine."""


def replayed(folder: Path) -> Path:
    """`folder` with a replay.jsonl of 100 requests by 20 users."""
    serving = serving_folder(folder)
    lines = [
        {"request": rank_body(f"user-{n % 20}", 30, seed=n, timestamp_ms=NOW_MS + n), "shown": []}
        for n in range(100)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (serving / "replay.jsonl").write_text(text)
    return serving
