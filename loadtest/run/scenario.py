"""What a load looks like over time, what it asks for, and what breaks meanwhile: data, no code."""

import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from loadtest.errors import ScenarioInvalid

BUILT_IN: Final = Path(__file__).with_name("scenarios.toml")

Share = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Share, Annotated[float, Field(ge=0, le=1000)]]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Payload(_Frozen):
    """Seeded requests. A hit is a user who comes back for what was computed for him: `skew` and
    `repeat` decide how often that is."""

    users: Annotated[int, Field(ge=1, le=1_000_000)] = 2000
    skew: Annotated[float, Field(ge=0, le=4)] = 1.0  # Zipf's exponent; 0 is uniform
    repeat: Share = 0.0  # share of requests that are an earlier one again
    sizes: dict[Annotated[int, Field(ge=1, le=10_000)], Annotated[float, Field(gt=0)]] = {100: 1.0}
    top_k: Annotated[int, Field(ge=1)] = 20
    fresh_users: bool = False  # named anew in every run


class Fault(_Frozen):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    process: Literal["valkey", "refresher", "ingest", "gateway"]
    act: Literal["pause", "kill"]
    begins: Share = Field(alias="from")
    until: Share | None = None  # of a pause

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.act == "pause" and (self.until is None or self.until <= self.begins):
            raise ValueError("a pause needs an `until` after its `from`")
        return self


class Rollout(_Frozen):
    at: Share
    plan: str = "direct"


class Slopes(_Frozen):
    """That latency and memory are told by windows, and whether they grow."""

    window_s: Annotated[float, Field(gt=0)] = 10.0
    settle_s: Annotated[float, Field(ge=0)] = 300.0  # of the load, in which they may

    def settled(self, seconds: float) -> int:
        """The first window that counts: behind `settle_s`, and a quarter of a short run."""
        return math.ceil(min(self.settle_s, seconds / 4.0) / self.window_s - 1e-9)


class Scenario(_Frozen):
    name: str
    about: str = ""
    profile: Annotated[tuple[Point, ...], Field(min_length=2)]
    seconds: Annotated[float, Field(gt=0)] = 60.0  # unless the command line says
    warm_up_s: Annotated[float, Field(ge=0)] = 5.0  # sent before, and not counted
    payload: Payload | None = None
    faults: tuple[Fault, ...] = ()
    rollout: Rollout | None = None
    slopes: Slopes | None = None

    @property
    def needs_processes(self) -> bool:
        return bool(self.faults or self.rollout)

    @model_validator(mode="after")
    def _covers_the_time(self) -> Self:
        times = [at for at, _ in self.profile]
        if times[0] != 0 or times[-1] != 1 or times != sorted(times):
            raise ValueError("profile must go from 0 to 1, ascending")
        if not any(multiple for _, multiple in self.profile):
            raise ValueError("profile must send something")
        return self


class Printed(NamedTuple):
    name: str
    about: str
    text: str  # TOML


def find_scenario(name: str) -> Scenario:
    """A built-in one, or one of a TOML file. Raises ScenarioInvalid."""
    if name.endswith(".toml"):
        path = Path(name)
        return _scenario(path.stem, _read(path), name)
    known = _read(BUILT_IN)
    if name not in known:
        raise ScenarioInvalid(f"no scenario {name!r}: {', '.join(known)}, or a .toml file")
    return _scenario(name, known[name], name)


def built_in() -> dict[str, Scenario]:
    return {name: _scenario(name, told, name) for name, told in _read(BUILT_IN).items()}


def as_toml(name: str) -> str:
    """The lines of a built-in one, as a file of its own has them. Raises ScenarioInvalid."""
    find_scenario(name)
    _, _, rest = BUILT_IN.read_text(encoding="utf-8").partition(f"\n[{name}]\n")
    return rest.partition("\n[")[0].strip()


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ScenarioInvalid(f"{path}: {error}: `understudy loadtest scenarios` lists") from error


def _scenario(name: str, told: dict[str, Any], where: str) -> Scenario:
    try:
        return Scenario.model_validate({"name": name, **told})
    except ValidationError as error:
        wrong = error.errors()[0]
        field = ".".join(map(str, wrong["loc"])) or "scenario"
        raise ScenarioInvalid(
            f"{where}: {field}: {wrong['msg']}; compare `understudy loadtest scenarios steady`"
        ) from error
