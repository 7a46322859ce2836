"""What Triton is given of a bundle."""

from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from safetensors.numpy import load_file
from tritonclient.grpc import model_config_pb2 as pb
from typer.testing import CliRunner

from export.errors import ModelExists, OptionsConflict
from export.triton.repository import write_repository
from export.triton.serving import Serving
from models.manifest import GOLDEN, MODEL, FileTampered, read_manifest
from tests.bundles import linear_student
from understudy import build

TYPES = {pb.TYPE_FP32: "float32", pb.TYPE_INT64: "int64"}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return linear_student(tmp_path / "bundles")


def config_of(folder: Path) -> pb.ModelConfig:
    return text_format.Parse((folder / "config.pbtxt").read_text(), pb.ModelConfig())


def shape_of(dims: list[int]) -> tuple[int | str, ...]:
    return tuple("any" if size == -1 else size for size in dims)


def test_config_declares_the_tensors_of_the_manifest(bundle: Path, tmp_path: Path) -> None:
    folder = write_repository(tmp_path / "repository", bundle, Serving())
    config, (manifest, _) = config_of(folder), read_manifest(bundle)
    assert config.name == folder.name == bundle.name
    for held, specs in ((config.input, manifest.inputs), (config.output, manifest.outputs)):
        assert [(t.name, TYPES[t.data_type], shape_of(t.dims)) for t in held] == [
            (s.name, s.dtype, tuple(n if isinstance(n, int) else "any" for n in s.shape))
            for s in specs
        ]
    assert config.max_batch_size == 0
    assert not config.HasField("dynamic_batching")
    assert (folder / "1" / MODEL).read_bytes() == (bundle / MODEL).read_bytes()


def test_warm_up_is_the_golden_batch_to_the_byte(bundle: Path, tmp_path: Path) -> None:
    folder = write_repository(tmp_path / "repository", bundle, Serving())
    [warmup], golden = config_of(folder).model_warmup, load_file(bundle / GOLDEN)
    assert len(warmup.inputs) == sum(name.startswith("input.") for name in golden)
    for name, tensor in warmup.inputs.items():
        raw = (folder / "warmup" / tensor.input_data_file).read_bytes()
        array = np.frombuffer(raw, TYPES[tensor.data_type]).reshape(tuple(tensor.dims))
        np.testing.assert_array_equal(array, golden[f"input.{name}"])


def test_python_backend_gets_its_model_file(bundle: Path, tmp_path: Path) -> None:
    folder = write_repository(tmp_path / "repository", bundle, Serving("python", 3), "ads")
    config = config_of(folder)
    assert (config.name, config.backend) == ("ads", "python")
    assert config.default_model_filename == "model.py"
    assert [group.count for group in config.instance_group] == [3]
    assert "class TritonPythonModel" in (folder / "1" / "model.py").read_text()


def test_tensorrt_is_of_the_onnx_backend(bundle: Path, tmp_path: Path) -> None:
    folder = write_repository(tmp_path / "one", bundle, Serving(tensorrt=True))
    accelerators = config_of(folder).optimization.execution_accelerators
    [accelerator] = accelerators.gpu_execution_accelerator
    assert accelerator.name == "tensorrt"
    with pytest.raises(OptionsConflict, match="python"):
        write_repository(tmp_path / "two", bundle, Serving("python", tensorrt=True))
    assert list((tmp_path / "two").iterdir()) == []


def test_model_that_is_there_is_not_written_over(bundle: Path, tmp_path: Path) -> None:
    for _ in range(2):
        write_repository(tmp_path, bundle, Serving(), "ads")
    with pytest.raises(ModelExists, match="ads is there already"):
        write_repository(tmp_path, bundle, Serving("python"), "ads")
    assert config_of(tmp_path / "ads").backend == "onnxruntime"


def test_damaged_bundle_is_not_exported(bundle: Path, tmp_path: Path) -> None:
    data = (bundle / MODEL).read_bytes()
    (bundle / MODEL).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(FileTampered):
        write_repository(tmp_path / "repository", bundle, Serving())
    assert not (tmp_path / "repository").exists()


def test_command_says_how_to_start_triton(bundle: Path, tmp_path: Path) -> None:
    command = ["triton", str(bundle), str(tmp_path / "repository"), "--backend", "python"]
    result = CliRunner().invoke(build(command), command)
    assert result.exit_code == 0
    assert "--model-repository" in result.output
    assert config_of(tmp_path / "repository" / bundle.name).backend == "python"
