"""Reports on disk, whole or not at all."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_json(path: Path, report: Mapping[str, Any]) -> None:
    """What is undefined (NaN, infinity) is null: JSON has no other word for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_suffix(".tmp")
    staged.write_text(json.dumps(finite(report), indent=1) + "\n", encoding="utf-8")
    staged.replace(path)


def finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
