"""What the gateways were measured on, and the table of what they answer."""

import platform
import shutil
import subprocess
import time
from collections.abc import Mapping
from typing import Any, Final

import onnxruntime as ort

from loadtest.hardware import hardware
from tests.loadtest.typed import as_typed

QUERY: Final = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
HEADINGS: Final = (
    "candidates",
    "provider",
    "ready after, s",
    "scores apart, most",
    "{callers} callers, requests/s",
    "their inference p50, ms",
    "p50 at {rate:g}/s, ms",
    "p99, ms",
    "inference p50, ms",
)


def facts(module: str) -> dict[str, str]:
    return {
        "date": time.strftime("%Y-%m-%d"),
        "hardware": hardware(),
        "gpu": _gpu(),
        "python": platform.python_version(),
        "onnxruntime": ort.__version__,
        "command": as_typed(module),
    }


def as_markdown(told: Mapping[str, Any]) -> str:
    versions = f"Python {told['python']}, ONNX Runtime {told['onnxruntime']}"
    lines = [
        f"{told['date']}, {told['hardware']}; GPU: {told['gpu']}; {versions}; `{told['command']}`.",
        "",
        f"| {' | '.join(HEADINGS).format(**told)} |",
        "|---|---|" + "---:|" * (len(HEADINGS) - 2),
        *(f"| {' | '.join(_cells(row))} |" for row in told["rows"]),
    ]
    return "\n".join(lines)


def _cells(row: Mapping[str, Any]) -> list[str]:
    busy, steady = row["busy"], row["steady"]
    return [
        str(row["candidates"]),
        row["provider"],
        f"{row['ready_s']:.1f}",
        f"{row['score']:.1e}",
        f"{busy['statuses'].get('200', 0) / busy['requests'] * busy['rate']['answered']:.0f}",
        _inference(busy),
        _value(steady["latency_ms"]["p50"]),
        _value(steady["latency_ms"]["p99"]),
        _inference(steady),
    ]


def _inference(figures: Mapping[str, Any]) -> str:
    return _value(figures["stages_ms"].get("inference", {}).get("p50", {}))


def _value(claim: Mapping[str, Any]) -> str:
    """Of a percentile that could be told."""
    return f"{claim['value']:.2f}" if "value" in claim else "–"


def _gpu() -> str:
    if shutil.which(QUERY[0]) is None:
        return "none"
    return subprocess.run(QUERY, capture_output=True, text=True, check=False).stdout.strip()
