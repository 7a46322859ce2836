"""A trained model on disk: weights as safetensors, config as JSON beside them."""

from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from models.student import Student, StudentConfig
from models.teacher import Teacher, TeacherConfig
from models.training.errors import CheckpointInvalid as CheckpointInvalid
from models.training.staged_file import staged

M = TypeVar("M", bound=nn.Module)
C = TypeVar("C", StudentConfig, TeacherConfig)


def save(folder: Path, name: str, model: nn.Module, config: StudentConfig | TeacherConfig) -> None:
    weights = {key: value.contiguous() for key, value in model.state_dict().items()}
    with staged(folder / f"{name}.safetensors") as beside:
        save_file(weights, beside)
    with staged(folder / f"{name}.json") as beside:
        beside.write_text(config.model_dump_json(indent=1) + "\n")


def load_student(folder: Path, name: str) -> tuple[Student, StudentConfig]:
    """In evaluation mode. Raises CheckpointInvalid."""
    config = _config(StudentConfig, folder, name)
    return _filled(Student(config), folder, name), config


def load_teacher(folder: Path, name: str) -> tuple[Teacher, TeacherConfig]:
    """In evaluation mode. Raises CheckpointInvalid."""
    config = _config(TeacherConfig, folder, name)
    return _filled(Teacher(config), folder, name), config


def _config(kind: type[C], folder: Path, name: str) -> C:
    try:
        return kind.model_validate_json((folder / f"{name}.json").read_text())
    except (OSError, ValueError) as error:
        raise CheckpointInvalid(
            f"{folder / name}.json is no checkpoint ({error}): run `understudy train` into {folder}"
        ) from error


def _filled(model: M, folder: Path, name: str) -> M:
    try:
        weights: dict[str, torch.Tensor] = load_file(folder / f"{name}.safetensors")
        model.load_state_dict(weights)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise CheckpointInvalid(
            f"{folder / name}.safetensors does not fit its config: {error}"
        ) from error
    model.eval()
    return model
