"""Every setting of the gateway: one frozen class, read once from the environment."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from cache.logs.begin import LogForm, LogLevel
from models.providers.execution import Provider
from models.schema import LOWER_TIERS, Tier
from models.triton.address import Address
from server.setting_rules import check_tls, folders
from server.slow.settings import SlowSettings
from server.tracing.settings import TraceSettings
from server.workers.settings import WorkerSettings

PREFIX: Final = "UNDERSTUDY_"
MAX_TTL_S: Final = 4_000_000.0
"""46 days: what a page can say of an age."""
_TIERS: Final = rf"^(?:(?:{'|'.join(LOWER_TIERS)}),)*pair(?:,(?:{'|'.join(LOWER_TIERS)}))*$"


class Settings(SlowSettings, TraceSettings, WorkerSettings):
    """Each field is read from UNDERSTUDY_<NAME>; durations and sizes carry their unit."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8080, ge=0, le=65_535, description="Port to listen on; 0 takes a free one")
    drain_s: float = Field(
        5.0,
        ge=0,
        le=3600,
        description="Time that requests are still answered after SIGTERM, while /readyz says "
        "draining and each answer closes its connection",
    )
    tls_certificate: Path | None = Field(
        None, description="PEM file of certificate and chain: the port then speaks TLS alone"
    )
    tls_key: Path | None = Field(None, description="PEM file of the certificate's key")
    tls_client_ca: Path | None = Field(
        None, description="PEM file of authorities: callers must show a certificate of one"
    )
    max_connections: int = Field(4096, ge=1, description="Open connections of a process; 503 above")
    max_head_bytes: int = Field(
        16_384, ge=1024, description="Largest request line and headers; 431 above"
    )
    arrival_timeout_s: float = Field(
        10.0,
        gt=0,
        description="Time a request may take to come in, and an answer to be taken; 408 after it",
    )
    grpc_port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="Port of the Open Inference Protocol over gRPC; none speaks it over HTTP alone",
    )
    log_level: LogLevel = Field("info", description="Least severe level written to stderr")
    log_format: LogForm = Field(
        "auto", description="Lines of it: console, json, or auto, which is console at a terminal"
    )
    admin_token: SecretStr | None = Field(
        None,
        min_length=1,
        description="Bearer token of /console and the routes of administrators; without one there "
        "are none",
    )
    keys: Path | None = Field(
        None, description="TOML file of the keys that may rank; without one everybody may"
    )
    bundle: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        max_length=16,
        description="Folder of the bundle that answers, or a comma list of one for each model: the "
        "first answers requests that name none",
    )
    trusted_keys: Path | None = Field(
        None, description="PEM file of keys, or folder of *.pub files; one must sign each bundle"
    )
    registry: str | None = Field(
        None,
        description="Registry of `understudy bundle`, from which rollouts may name bundles; a "
        "gateway starts from its own folder",
    )
    registry_cache: Path | None = Field(
        None,
        description="Folder that bundles of the registry are pulled into; ~/.cache/understudy/"
        "bundles when not given",
    )
    registry_cache_gib: float = Field(20.0, gt=0, description="Most that they may take there, GiB")
    stand_in_bundle: Path | None = Field(
        None,
        description="Folder of the student that answers when the bundle's fails: one that reads no "
        "cache, from the same run; without one items go by their own past rates",
    )
    catalogue: Path | None = Field(
        None, description="Catalogue file; catalogue.safetensors beside the bundle when not given"
    )
    ort_threads: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = Field(
        1, description="ONNX Runtime threads of a session; auto shares the container's cores"
    )
    provider: Provider = Field("cpu", description="Runs the student here: cpu, cuda or tensorrt")
    provider_fallback: bool = Field(
        False, description="Let the CPU run it where that provider cannot; else not ready"
    )
    cuda_graphs: bool = Field(
        False, description="Replay a single request's run on a GPU as one CUDA graph"
    )
    tensorrt_engines: Path | None = Field(
        None, description="Folder of TensorRT's engines; engines beside the bundle when not given"
    )
    triton_url: str | None = Field(
        None,
        description="triton://host:port[/model[/version]] or triton+http://…: Triton runs the "
        "bundle, and this process while Triton fails; none runs it here",
    )
    triton_timeout_ms: float = Field(
        50.0, gt=0, description="Longest run at Triton; never more than half of what time is left"
    )
    batch_candidates: int = Field(
        8000, ge=1, description="Candidates of waiting requests that the model takes in one batch"
    )
    redis_url: str | None = Field(
        None,
        description="redis://, rediss://, unix://, redis+cluster:// or redis+sentinel:// URL; none "
        "serves without hints or users",
    )
    cache_timeout_ms: float = Field(
        10.0, gt=0, description="Time the one cache read may take before it counts as all misses"
    )
    breaker_failures: int = Field(
        5, ge=1, description="Failed cache reads, or runs at Triton, in a row before they rest"
    )
    breaker_open_ms: float = Field(
        1000.0, gt=0, description="How long they rest before one is tried again"
    )
    teacher_cache: bool = Field(
        True, description="Read the teacher's hints; off measures the student without them"
    )
    tiers: str | None = Field(
        None,
        pattern=_TIERS,
        description="Comma list of tiers to read hints from, pair among them; all that the student "
        "was trained with when not given",
    )
    soft_ttl_s: float = Field(
        600.0, gt=0, description="Age at which a hint is still used, and asked for again"
    )
    hard_ttl_s: float = Field(
        86_400.0, gt=0, le=MAX_TTL_S, description="Age at which a hint is no longer used"
    )
    coverage_objective: float | None = Field(
        None, gt=0, lt=1, description="Share of the candidates that is to have a hint of any tier"
    )
    pair_coverage_objective: float | None = Field(
        None, gt=0, lt=1, description="Share of the candidates that is to have a hint of its own"
    )
    teacher_age_objective_s: float | None = Field(
        None,
        gt=0,
        le=MAX_TTL_S,
        description="Age that the percentile of hints is to stay within",
    )
    teacher_age_percentile: float = Field(
        0.95, gt=0, lt=1, description="Share of the hints that is to be within the age objective"
    )
    demand_window_s: float = Field(
        10.0, gt=0, description="A pair that was asked for is not asked for again for so long"
    )
    demand_capacity: int = Field(
        1024, ge=1, description="Demand messages held for the stream; more are dropped and counted"
    )
    demand_hits: bool = Field(
        False, description="Tell refreshers of hits too, which policies that foresee learn from"
    )
    served_share: float = Field(
        0.01, ge=0, le=1, description="Share of answers kept for training, with their features"
    )
    served_capacity: int = Field(
        256, ge=1, description="Kept answers held for the stream; more are dropped and counted"
    )
    served_backlog: int = Field(
        2000, ge=1, description="Kept answers that the stream holds; the oldest are lost above"
    )
    events_max_skew_s: float = Field(
        300.0, ge=0, description="How far ahead of this clock an event may be; any when replaying"
    )
    replay: bool = Field(
        False, description="Accept timestamp_ms in requests: for replaying logs, not production"
    )
    deadline_ms: float = Field(
        100.0, gt=0, description="Latency budget of a request that names none"
    )
    max_body_bytes: int = Field(1 << 20, ge=1024, description="Largest body read; 413 above")
    max_candidates: int = Field(1000, ge=1, description="Most candidates of a request; 422 above")
    max_events: int = Field(1000, ge=1, description="Most events of a batch; 422 above")
    max_inflight_candidates: int = Field(
        20_000, ge=1, description="Candidates in work at once, in all lanes; 429 above"
    )
    rerank_budget_ms: float = Field(
        3.0, gt=0, description="Processor time the rerank may take before the rest follows by value"
    )
    rerank_depth: int = Field(
        50, ge=1, description="Positions of the slate that the rerank fills; the rest is by value"
    )

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        check_tls(
            {
                PREFIX + "TLS_CERTIFICATE": self.tls_certificate,
                PREFIX + "TLS_KEY": self.tls_key,
                PREFIX + "TLS_CLIENT_CA": self.tls_client_ca,
            }
        )
        return self

    @property
    def lower_tiers(self) -> tuple[Tier, ...] | None:
        """None for all that the student was trained with."""
        if self.tiers is None:
            return None
        named = self.tiers.split(",")
        return tuple(tier for tier in LOWER_TIERS if tier in named)

    @field_validator("bundle", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        return folders(given)

    @field_validator("triton_url")
    @classmethod
    def _check_triton_url(cls, url: str | None) -> str | None:
        if url is not None:
            Address.parse(url)
        return url

    @model_validator(mode="after")
    def _check_ttls(self) -> Self:
        if self.soft_ttl_s > self.hard_ttl_s:
            raise ValueError(
                f"{PREFIX}SOFT_TTL_S {self.soft_ttl_s:g} is past {PREFIX}HARD_TTL_S "
                f"{self.hard_ttl_s:g}: a hint is stale before it is gone"
            )
        return self
