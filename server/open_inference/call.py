"""What is asked for, whichever way it came."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

from msgspec import Meta, Struct

from server.open_inference.tensors import Tensor
from server.wire import LOW

MAX_DEADLINE_MS: Final = 60_000.0
MAX_INTEGER: Final = (1 << 63) - 1
Order = Literal["input", "slate"]


class Parameters(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Those of a request. What is not said here is as in POST /v1/rank."""

    order: Annotated[
        Order,
        Meta(description="`input`: as the candidates were sent; `slate`: best first"),
    ] = "input"
    deadline_ms: float | None = None
    top_k: int | None = None
    diversity: float | None = None
    task: str | None = None
    timestamp_ms: int | None = None
    timeout: Annotated[
        int,
        Meta(
            ge=0,
            le=MAX_INTEGER,
            description="Triton's, µs: may end the budget before `deadline_ms` does; 0 does not",
        ),
    ] = 0
    priority: Annotated[
        int, Meta(ge=0, le=MAX_INTEGER, description="Triton's: above 1 is `low`")
    ] = 0
    binary_data_output: Annotated[
        bool, Meta(description="All outputs as binary tensor data, over HTTP")
    ] = False

    def fields(self, left_ms: float | None) -> dict[str, Any]:
        """Of a rank request."""
        named = ("top_k", "diversity", "task", "timestamp_ms")
        fields = {name: getattr(self, name) for name in named}
        fields["deadline_ms"] = self._deadline_ms(left_ms)
        fields["priority"] = LOW if self.priority > 1 else None
        return {name: value for name, value in fields.items() if value is not None}

    def _deadline_ms(self, left_ms: float | None) -> float | None:
        """The earliest of all that were given."""
        budgets = [] if self.deadline_ms is None else [self.deadline_ms]
        for budget_ms in (self.timeout / 1000 or None, left_ms):
            if budget_ms is not None:
                budgets.append(min(budget_ms, MAX_DEADLINE_MS))
        return min(budgets, default=None)


class Call(NamedTuple):
    id: str
    inputs: Sequence[Tensor]
    parameters: Parameters
    outputs: Sequence[str]  # none asks for all
    left_ms: float | None = None  # what the transport's own deadline leaves
