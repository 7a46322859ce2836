from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from models.manifest import GOLDEN
from models.runtime import load
from server.raw_loop import measure, requests_of
from tests.bundles import linear_student


def test_golden_rows_become_requests_of_any_size(tmp_path: Path) -> None:
    bundle = linear_student(tmp_path)
    model, golden = load(bundle), load_file(bundle / GOLDEN)
    for size, requests in ((1, 1), (7, 1), (50, 3)):
        arrays = requests_of(golden, model.manifest.inputs, size, requests)
        assert np.bincount(arrays["request_index"]).tolist() == [size] * requests
        for spec in model.manifest.inputs:
            is_user_side = spec.shape[0] == "R"
            assert len(arrays[spec.name]) == (requests if is_user_side else size * requests)
        assert np.isfinite(model.run(arrays).logit).all()


def test_measure_counts_what_it_ran(tmp_path: Path) -> None:
    bundle = linear_student(tmp_path)
    model, golden = load(bundle), load_file(bundle / GOLDEN)
    told = measure(model, requests_of(golden, model.manifest.inputs, 3), seconds=0.05)
    assert told["per_second"] > 1.0
    assert 0.0 < told["p50_ms"] <= told["p99_ms"]
