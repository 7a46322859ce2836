"""A trained model on disk: weights as safetensors, config as JSON beside them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from models.schema import FeatureSchema
from models.student import Student, StudentConfig
from models.teacher import Teacher, TeacherConfig

M = TypeVar("M", bound=nn.Module)


class CheckpointInvalid(Exception):
    """A checkpoint is missing or was not written by `understudy train`."""


def save(folder: Path, name: str, model: nn.Module, config: StudentConfig | TeacherConfig) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    weights = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(weights, folder / f"{name}.safetensors")
    fields = asdict(config) | {"schema": config.schema.model_dump(mode="json")}
    (folder / f"{name}.json").write_text(json.dumps(fields, indent=1))


def load_student(folder: Path, name: str) -> tuple[Student, StudentConfig]:
    """In evaluation mode. Raises CheckpointInvalid."""
    config = StudentConfig(**_config(folder, name))
    return _filled(Student(config), folder, name), config


def load_teacher(folder: Path, name: str) -> tuple[Teacher, TeacherConfig]:
    """In evaluation mode. Raises CheckpointInvalid."""
    config = TeacherConfig(**_config(folder, name))
    return _filled(Teacher(config), folder, name), config


def _config(folder: Path, name: str) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
        return fields | {"schema": FeatureSchema.model_validate(fields["schema"])}
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointInvalid(
            f"{folder / name}.json is no checkpoint ({error}): run `understudy train` into {folder}"
        ) from error


def _filled(model: M, folder: Path, name: str) -> M:
    try:
        weights: dict[str, torch.Tensor] = load_file(folder / f"{name}.safetensors")
        model.load_state_dict(weights)
    except (OSError, RuntimeError) as error:
        raise CheckpointInvalid(
            f"{folder / name}.safetensors does not fit its config: {error}"
        ) from error
    model.eval()
    return model
