import json
from pathlib import Path

from loadtest.json_file import write_json


def test_undefined_figures_are_null_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    write_json(path, {"auc": float("nan"), "p99": [float("inf"), 1.5], "n": 3, "in": (1, None)})
    told = json.loads(path.read_text(), parse_constant=lambda name: f"not JSON: {name}")
    assert told == {"auc": None, "p99": [None, 1.5], "n": 3, "in": [1, None]}
    assert [file.name for file in path.parent.iterdir()] == ["report.json"]
