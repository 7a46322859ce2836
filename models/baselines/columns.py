"""What the columns of a design are, and which of them a baseline reads."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from models.schema import Column, Frozen, LogSchema, categorical, numbers
from models.stem import HOURS


class Reads(Frozen):
    """The numbers that a baseline reads beside the log's own columns."""

    counters: bool = True
    match_length: int = Field(default=0, ge=0)  # one of the design's, 0 = no match counts


class Columns(Frozen):
    """Names in order, `table.column` each; `buckets` of the categorical ones."""

    categorical: tuple[str, ...]
    buckets: tuple[int, ...]
    side: tuple[str, ...]
    counters: tuple[str, ...]
    matches: tuple[str, ...]

    @classmethod
    def of(cls, log: LogSchema) -> Self:
        tables = {"user": log.user, "context": log.context, "item": log.item}
        keyed = {table: categorical(columns) for table, columns in tables.items()}
        kinds = ("shown", *log.tasks)
        rates = tuple(f"{table}.{kind}" for table in ("user", "item") for kind in kinds)
        return cls(
            categorical=(
                *_named("user", keyed["user"]),
                "context.hour",
                *_named("context", keyed["context"]),
                *_named("item", keyed["item"]),
            ),
            buckets=(
                *(column.buckets for column in keyed["user"]),
                HOURS,
                *(column.buckets for column in keyed["context"] + keyed["item"]),
            ),
            side=tuple(n for table, all_ in tables.items() for n in _named(table, numbers(all_))),
            counters=(*rates, "user.since_last_event"),
            matches=tuple(f"match.{item.name}.{kind}" for item in keyed["item"] for kind in kinds),
        )

    def numbers(self, reads: Reads) -> tuple[str, ...]:
        counters = self.counters if reads.counters else ()
        return self.side + counters + (self.matches if reads.match_length else ())


def _named(table: str, columns: Sequence[Column]) -> tuple[str, ...]:
    return tuple(f"{table}.{column.name}" for column in columns)
