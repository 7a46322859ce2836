"""Tensors → the rank request that they spell in columns."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from server.body import invalid
from server.errors import InvalidRequest
from server.open_inference.call import Call
from server.open_inference.signature import BID, ITEM_IDS, TASK_SCORES, USER_ID, Signature
from server.open_inference.tensors import MAX_TENSORS, Tensor
from server.wire import RankRequest

INPUT_NAMES: Final = (
    (re.compile(r"candidates\[(\d+)\]\.item_id"), r"item_ids[\1]"),
    (re.compile(r"candidates\[(\d+)\]\.bid"), r"bid[\1]"),
    (re.compile(r"candidates\[(\d+)\]\.features\.(.+)"), r"\2[\1]"),
    (re.compile(r"context\.(.+)"), r"\1"),
    (re.compile(r"candidates"), "item_ids"),
    (re.compile(r"request_id"), "id"),
)
"""Fields of a rank request → inputs. Brackets hold the candidate."""


def read(signature: Signature, call: Call) -> RankRequest:
    """Raises InvalidRequest, which names the rank request's field."""
    given = _by_name(call.inputs)
    signature.check_outputs(call.outputs)
    for name in (USER_ID, ITEM_IDS):
        if name not in given:
            raise _refused("the input is missing", name, None, "send it: it has no default")
    candidates = len(given[ITEM_IDS].values)
    if candidates == 0:
        raise _refused("there are no candidates", ITEM_IDS, [0], "send one at least")
    for tensor in given.values():
        signature.check_input(tensor, candidates)
    fields = _fields(signature, given, candidates) | call.parameters.fields(call.left_ms)
    fields["request_id"] = call.id or None
    fields["all_tasks"] = not call.outputs or any(
        name.startswith(TASK_SCORES) for name in call.outputs
    )
    try:
        return msgspec.convert(fields, RankRequest)
    except msgspec.ValidationError as error:
        raise invalid(str(error), fields) from None


@contextmanager
def named_by_input() -> Iterator[None]:
    """A refusal tells of what the caller sent, not of what was made of it."""
    try:
        yield
    except InvalidRequest as error:
        error.field = input_name(error.field or "") or None
        raise


def input_name(field: str) -> str:
    for pattern, name in INPUT_NAMES:
        if found := pattern.fullmatch(field):
            return found.expand(name)
    return field


def _by_name(tensors: Sequence[Tensor]) -> dict[str, Tensor]:
    if len(tensors) > MAX_TENSORS:
        raise _refused(f"more than {MAX_TENSORS} inputs", "inputs", len(tensors), "send fewer")
    given: dict[str, Tensor] = {}
    for tensor in tensors:
        if tensor.name in given:
            raise _refused("the input is there twice", tensor.name, None, "send it once")
        given[tensor.name] = tensor
    return given


def _fields(signature: Signature, given: Mapping[str, Tensor], candidates: int) -> dict[str, Any]:
    context: dict[str, Any] = {}
    features: dict[str, Sequence[Any]] = {}
    for name, tensor in given.items():
        if name in signature.context:
            context[signature.context[name]] = tensor.values[0]
        elif name in signature.item:
            features[signature.item[name]] = tensor.values
        elif name not in signature.inputs:
            # Of a name that the bundle does not read only the shape says where it belongs.
            if tensor.shape == (candidates,) and candidates > 1:
                features[name] = tensor.values
            else:
                context[name] = tensor.values[0]
    fields = {"user_id": given[USER_ID].values[0], "context": context}
    item_ids, bids = given[ITEM_IDS].values, given.get(BID)
    if bids is None and not features:
        return fields | {"item_ids": item_ids}
    values = None if bids is None else bids.values
    return fields | {"candidates": _candidates(item_ids, values, features)}


def _candidates(
    item_ids: Sequence[str],
    bids: Sequence[float] | None,
    features: Mapping[str, Sequence[Any]],
) -> list[dict[str, Any]]:
    candidates: list[dict[str, Any]] = [{"item_id": item_id} for item_id in item_ids]
    for candidate, bid in zip(candidates, bids or (), strict=False):
        candidate["bid"] = bid
    if features:
        rows = zip(*features.values(), strict=True)
        for candidate, row in zip(candidates, rows, strict=True):
            candidate["features"] = dict(zip(features, row, strict=True))
    return candidates


def _refused(rule: str, field: str, value: object, remedy: str) -> InvalidRequest:
    return InvalidRequest(rule, field=field, value=value, remedy=remedy)
