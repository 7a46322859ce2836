"""The contexts that pairs are computed under, as the options give them.

A pair is read under the context that it was computed in and under no other, so a categorical
context column that nobody gave would fill the cache with pairs that no request asks for.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from cache.arrays import F32, U64
from cache.refresh.backfill.errors import ContextInvalid
from models.features.hashing import key64
from models.schema import Column, LogSchema, categorical, numbers

MAX_CONTEXTS: Final = 64

Given = Mapping[str, Sequence[str]]
"""Values by context column, in the order given."""


class Context(NamedTuple):
    keys: U64  # [Fc] 0 = missing
    numbers: F32  # [Gc] NaN = missing


def parsed(options: Collection[str]) -> dict[str, list[str]]:
    """Of NAME=VALUE each. Raises ContextInvalid."""
    given: dict[str, list[str]] = {}
    for option in options:
        name, is_there, value = option.partition("=")
        if not is_there:
            raise ContextInvalid(f"--context {option}: give it as NAME=VALUE")
        given.setdefault(name, []).append(value)
    return given


def check(schema: LogSchema, given: Given, in_file: Collection[str] = ()) -> None:
    """`in_file`: columns that the candidates bring themselves. Raises ContextInvalid."""
    columns = {column.name: column for column in schema.context}
    for name in given:
        if name not in columns:
            raise ContextInvalid(f"--context {name}=…: {_known(columns)}")
        if name in in_file:
            raise ContextInvalid(f"--context {name}=…: the candidates have that column: leave it")
    for column in categorical(schema.context):
        if column.name not in given and column.name not in in_file:
            raise ContextInvalid(
                f"context column {column.name} has no value: give --context {column.name}=VALUE, "
                "for several values several times, with nothing after = for requests without it"
            )


def contexts(schema: LogSchema, given: Given) -> list[Context]:
    """Every combination of the values given; other columns are missing. Raises ContextInvalid."""
    count = math.prod(len(values) for values in given.values())
    if count > MAX_CONTEXTS:
        raise ContextInvalid(f"--context: {count} combinations, at most {MAX_CONTEXTS} in one job")
    keyed, numeric = categorical(schema.context), numbers(schema.context)
    return [
        Context(
            np.array([key_of(one.get(column.name) or None) for column in keyed], np.uint64),
            np.array([_number(column, one.get(column.name)) for column in numeric], np.float32),
        )
        for one in _combinations(given)
    ]


def key_of(value: object) -> int:
    """As a gateway reads a request's value, None being none."""
    return 0 if value is None else key64(str(value))


def _combinations(given: Given) -> list[dict[str, str]]:
    return [dict(zip(given, values, strict=True)) for values in product(*given.values())]


def _number(column: Column, value: str | None) -> float:
    if not value:
        return math.nan
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ContextInvalid(f"--context {column.name}={value}: the column is a number: give one")
    return number


def _known(columns: Mapping[str, Column]) -> str:
    if not columns:
        return "the teacher reads no context: leave it out"
    return f"the teacher's context columns are {', '.join(columns)}: give one of them"
