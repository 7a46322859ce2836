from pathlib import Path

import pytest
from safetensors.numpy import load_file

from models.manifest import GOLDEN
from models.runtime import load
from server.raw_loop import requests_of
from server.side_by_side import medians_ms, side_by_side
from tests.bundles import linear_student


def test_every_model_has_its_median(tmp_path: Path) -> None:
    bundle = linear_student(tmp_path)
    model = load(bundle)
    arrays = requests_of(load_file(bundle / GOLDEN), model.manifest.inputs, 5)
    medians = medians_ms([model, model], arrays, rounds=2)
    assert len(medians) == 2
    assert all(each > 0.0 for each in medians)


def test_table_compares_each_bundle_with_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = linear_student(tmp_path)
    side_by_side([bundle, bundle], candidates="3,5", rounds=1)
    printed = capsys.readouterr().out
    assert "(1.00)" in printed
    assert "N = 5" in printed
