"""Reports on disk, whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_json(path: Path, report: Mapping[str, Any]) -> None:
    staged = path.with_suffix(".tmp")
    staged.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    staged.replace(path)
