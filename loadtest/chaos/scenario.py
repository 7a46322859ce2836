"""What goes wrong, when, and what must hold all the same: data, no code."""

import tomllib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from loadtest.errors import ScenarioInvalid
from loadtest.run.scenario import Point

BUILT_IN: Final = Path(__file__).with_name("scenarios.toml")
STEADY: Final = ((0.0, 1.0), (1.0, 1.0))

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Process = Literal["valkey", "refresher", "ingest", "worker"]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Harm(_Frozen, ABC):
    """Times are shares of the run."""

    lasts: ClassVar[bool] = True
    begins: Share = Field(alias="from")
    until: Share | None = None

    @property
    @abstractmethod
    def words(self) -> str: ...

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.lasts and (self.until is None or self.until <= self.begins):
            raise ValueError("what lasts needs an `until` after its `from`")
        if not self.lasts and self.until is not None:
            raise ValueError("it is done in an instant: leave `until` out")
        return self


class Kill(Harm):
    lasts: ClassVar[bool] = False
    act: Literal["kill"]
    process: Process

    @property
    def words(self) -> str:
        return f"{self.process} killed"


class Pause(Harm):
    act: Literal["pause"]
    process: Process

    @property
    def words(self) -> str:
        return f"{self.process} stopped"


class Slow(Harm):
    act: Literal["slow"]
    process: Process
    share: Annotated[float, Field(gt=0, lt=1)]  # of each 50 ms that it stands still

    @property
    def words(self) -> str:
        return f"{self.process} stands still for {self.share:.0%} of the time"


class NoSpace(Harm):
    """No file of the process may grow, as on a full disk."""

    act: Literal["no-space"]
    process: Literal["gateway", "refresher", "ingest"]

    @property
    def words(self) -> str:
        return f"no space for files of {self.process}"


class Network(Harm):
    """Between gateway and Valkey: see loadtest.chaos.trouble."""

    act: Literal["network"]
    delay_ms: Annotated[float, Field(ge=0)] = 0.0
    lost: Share = 0.0
    corrupt: Share = 0.0
    bytes_s: Positive | None = None
    silent: bool = False
    resets: bool = False
    refuses: bool = False

    @property
    def trouble(self) -> dict[str, Any]:
        return self.model_dump(exclude={"act", "begins", "until"}, exclude_defaults=True)

    @property
    def words(self) -> str:
        told = (
            name if value is True else f"{name} {value:g}" for name, value in self.trouble.items()
        )
        return f"network: {', '.join(told)}"


class Change(Harm):
    """Of what Valkey holds. Pages stay as they are made until somebody writes them anew."""

    lasts: ClassVar[bool] = False
    act: Literal["change"]
    what: Literal["flush", "expire", "garbage", "cut", "foreign-version", "foreign-space"]

    @property
    def words(self) -> str:
        said = {"flush": "everything deleted", "expire": "all pages and records expire"}
        return said.get(self.what, f"pages made {self.what}")


class Limit(Harm):
    act: Literal["limit"]
    what: Literal["memory", "eviction", "clients"]

    @property
    def words(self) -> str:
        said = {
            "memory": "memory full: writes are refused",
            "eviction": "memory short: pages are evicted",
            "clients": "no more clients",
        }
        return said[self.what]


class Crowd(Harm):
    act: Literal["crowd"]
    who: Literal["events", "hang-ups", "slowloris", "hurried", "skewed", "rubbish", "newcomers"]
    rate: Positive

    @property
    def words(self) -> str:
        return f"{self.who}, {self.rate:g} a second"


class Rollout(Harm):
    lasts: ClassVar[bool] = False
    act: Literal["rollout"]
    plan: str = "direct"

    @property
    def words(self) -> str:
        return "rollout started"


AnyHarm = Annotated[
    Kill | Pause | Slow | NoSpace | Network | Change | Limit | Crowd | Rollout,
    Field(discriminator="act"),
]


class Chaos(_Frozen):
    name: str
    about: str
    harms: Annotated[tuple[AnyHarm, ...], Field(min_length=1)]
    profile: Annotated[tuple[Point, ...], Field(min_length=2)] = STEADY
    seconds: Positive = 8.0  # unless the command line says
    distinct: Count = 40  # requests that are sent in turn: their pages are there before the harm
    says: str = ""  # how a reason begins that answers name while it lasts
    least: Share = 0.8  # share of them that do
    recover_s: Positive = 3.0  # until latency and coverage are what they were
    settle_s: Positive = 15.0  # after the load, until nothing is left to do
    grows_mb: Positive = 64.0  # most that the gateway may
    is_last: bool = False  # leaves a stack that is not the one it found

    @property
    def needs_student(self) -> bool:
        return any(isinstance(harm, Rollout) for harm in self.harms)

    @property
    def window(self) -> tuple[float, float]:
        """Shares of the run from the first harm to the end of the last."""
        ends = [harm.begins if harm.until is None else harm.until for harm in self.harms]
        return min(harm.begins for harm in self.harms), max(ends)


def built_in() -> dict[str, Chaos]:
    """Raises ScenarioInvalid."""
    told = tomllib.loads(BUILT_IN.read_text(encoding="utf-8"))
    return {name: _chaos(name, fields) for name, fields in told.items()}


def chosen(names: list[str]) -> list[Chaos]:
    """`all` is all of them. Raises ScenarioInvalid."""
    known = built_in()
    unknown = [name for name in names if name not in known and name != "all"]
    if unknown or not names:
        raise ScenarioInvalid(
            f"no scenario {', '.join(unknown) or 'named'}: `all`, or some of {', '.join(known)}"
        )
    return [each for name, each in known.items() if name in names or "all" in names]


def _chaos(name: str, told: dict[str, Any]) -> Chaos:
    try:
        return Chaos.model_validate({"name": name, **told})
    except ValidationError as error:
        wrong = error.errors()[0]
        field = ".".join(map(str, wrong["loc"])) or "scenario"
        raise ScenarioInvalid(f"{BUILT_IN.name}: {name}: {field}: {wrong['msg']}") from error
