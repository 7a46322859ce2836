import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from models.features.mapped_file import mapped, save_whole

ARRAYS: dict[str, NDArray[Any]] = {
    "wide": np.arange(12, dtype=np.float64).reshape(3, 4),
    "keys": np.arange(5, dtype=np.uint64),
    "flags": np.array([1, 0, 1], np.uint8),
    "none": np.zeros((0, 3), np.float32),
    "small": np.array([[-7]], np.int32),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "arrays.safetensors"
    save_whole(path, ARRAYS, {"schema": "a"})
    return path


def test_arrays_and_metadata_read_back(path: Path) -> None:
    metadata, arrays = mapped(path, ())
    assert metadata == {"schema": "a"}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
        assert type(arrays[name]) is np.ndarray


def test_only_named_arrays_are_written_and_never_the_file(path: Path) -> None:
    arrays = mapped(path, ("wide",)).arrays
    arrays["wide"][0] = -1.0
    with pytest.raises(ValueError, match="read-only"):
        arrays["keys"][0] = 9
    again = mapped(path, ("wide",)).arrays
    np.testing.assert_array_equal(again["wide"], ARRAYS["wide"])


def test_file_that_is_replaced_stays_as_it_was_for_who_has_it(path: Path) -> None:
    before = mapped(path, ()).arrays["keys"]
    save_whole(path, {"keys": np.zeros(2, np.uint64)}, {})
    np.testing.assert_array_equal(before, ARRAYS["keys"])
    assert len(mapped(path, ()).arrays["keys"]) == 2
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_save_that_fails_leaves_the_old_file(path: Path) -> None:
    held = path.read_bytes()
    with pytest.raises(Exception, match="object"):
        save_whole(path, {"wide": np.array([object()])}, {})
    assert path.read_bytes() == held
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_dtype_that_is_not_read_is_named(path: Path) -> None:
    save_file({"flag": np.array([True])}, path)
    with pytest.raises(ValueError, match="BOOL"):
        mapped(path, ())


@pytest.mark.parametrize("cut", [1, 8, 100])
def test_truncated_file_is_refused_before_anything_is_mapped(path: Path, cut: int) -> None:
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(Exception, match=r"(?i)incomplete|invalid|header"):
        mapped(path, ())


def test_offsets_beyond_the_file_are_refused(path: Path) -> None:
    header = json.dumps({"keys": {"dtype": "U64", "shape": [9], "data_offsets": [0, 72]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 8)
    with pytest.raises(Exception, match=r"(?i)incomplete"):
        mapped(path, ())


def test_others_may_read_what_they_may_read_of_any_new_file(path: Path, tmp_path: Path) -> None:
    """A gateway is seldom run by the user who exported."""
    (tmp_path / "any").touch()
    assert path.stat().st_mode == (tmp_path / "any").stat().st_mode
