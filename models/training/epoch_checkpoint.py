"""A fit after a whole epoch, as one file: tensors, with the rest as JSON in the file's head.

model.NAME, best.NAME   weights: the newest, and those of the best epoch
optimizer.GROUP.NAME    moments of the weight with that number
random.RANK.NAME        generators of each process
"""

import json
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from models.training import random_state
from models.training.course import Course
from models.training.errors import CheckpointInvalid, RunRefused
from models.training.placement import Placement
from models.training.processes import gathered
from models.training.staged_file import staged
from models.training.terms import Terms, difference

HEAD: Final = "fit"
REMEDY: Final = "give the options it began with to go on, --anew to begin again, or another --out"


def write(path: Path, course: Course, terms: Terms, placement: Placement) -> None:
    """Every process calls it, the first one writes."""
    tensors = _weights(course) | _moments(course) | _generators(course, placement)
    if not placement.writes:
        return
    head = {
        "terms": terms,
        "values": course.values,
        "step": course.step,
        "seconds": course.seconds,
        "schedule": course.schedule.state_dict(),
        "groups": course.optimizer.state_dict()["param_groups"],
    }
    with staged(path) as beside:
        save_file(tensors, beside, metadata={HEAD: json.dumps(head)})


def restore(path: Path, course: Course, terms: Terms, placement: Placement) -> None:
    """Nothing without a file. Raises RunRefused for a file of other terms, CheckpointInvalid."""
    if not path.exists():
        return
    head, tensors = _read(path)
    unlike = difference(head["terms"], terms)
    if unlike:
        raise RunRefused(f"{path} is of a training with {unlike}: {REMEDY}")
    course.model.load_state_dict(_under("model.", tensors))
    course.best = {
        name: weight.to(placement.torch_device) for name, weight in _under("best.", tensors).items()
    }
    course.optimizer.load_state_dict(_optimizer(head["groups"], _under("optimizer.", tensors)))
    course.schedule.load_state_dict(head["schedule"])
    course.values, course.step, course.seconds = head["values"], head["step"], head["seconds"]
    random_state.restore(_under(f"random.{placement.rank}.", tensors), course.rng, placement)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            head: dict[str, Any] = json.loads(file.metadata()[HEAD])
            return head, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CheckpointInvalid(
            f"{path} is no checkpoint of a fit ({error}): give --anew to begin again"
        ) from error


def _weights(course: Course) -> dict[str, Tensor]:
    newest = {f"model.{name}": weight for name, weight in course.model.state_dict().items()}
    best = {f"best.{name}": weight for name, weight in course.best.items()}
    return {name: weight.contiguous() for name, weight in (newest | best).items()}


def _moments(course: Course) -> dict[str, Tensor]:
    state: dict[int, dict[str, Tensor]] = course.optimizer.state_dict()["state"]
    return {
        f"optimizer.{number}.{name}": moment.contiguous()
        for number, moments in state.items()
        for name, moment in moments.items()
    }


def _optimizer(groups: list[dict[str, Any]], moments: dict[str, Tensor]) -> dict[str, Any]:
    state: dict[int, dict[str, Tensor]] = {}
    for key, moment in moments.items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = moment
    return {"state": state, "param_groups": groups}


def _generators(course: Course, placement: Placement) -> dict[str, Tensor]:
    return {
        f"random.{rank}.{name}": theirs
        for name, mine in random_state.captured(course.rng, placement).items()
        for rank, theirs in enumerate(gathered(mine, placement))
    }


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
