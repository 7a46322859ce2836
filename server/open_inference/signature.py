"""The tensors that a bundle is asked with and answers in, from its log schema."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from models.manifest import Manifest
from models.schema import Column
from server.errors import InvalidRequest
from server.open_inference.tensors import BOOL, BYTES, Tensor

USER_ID: Final = "user_id"
ITEM_IDS: Final = "item_ids"
BID: Final = "bid"
SCORES: Final = "scores"
VALUES: Final = "values"
TIER: Final = "tier"
AVAILABLE: Final = "available"
TASK_SCORES: Final = "task_scores."
"""Before the name of a task."""
ONE: Final = 1
EACH: Final = -1
"""As many as there are candidates."""


class Declared(NamedTuple):
    name: str
    datatype: str
    size: int  # ONE or EACH
    is_optional: bool = False


class Signature(NamedTuple):
    inputs: Mapping[str, Declared]
    outputs: Mapping[str, Declared]
    context: Mapping[str, str]  # input → context column
    item: Mapping[str, str]  # input → item column

    def check_input(self, tensor: Tensor, candidates: int) -> None:
        """A name that the bundle does not read may have any datatype. Raises InvalidRequest."""
        declared = self.inputs.get(tensor.name)
        if declared is None:
            self._check_shape(tensor, {(ONE,), (candidates,)})
            return
        self._check_shape(tensor, {(ONE,) if declared.size == ONE else (candidates,)})
        is_text = declared.datatype == BYTES
        if is_text != (tensor.datatype == BYTES) or tensor.datatype == BOOL:
            raise InvalidRequest(
                f"the input is {'BYTES' if is_text else 'of numbers'}",
                field=tensor.name,
                value=tensor.datatype,
                remedy=f"send it as {declared.datatype}, as the model's metadata says",
            )

    def check_outputs(self, names: Iterable[str]) -> None:
        """Raises InvalidRequest."""
        seen = set[str]()
        for name in names:
            if name in seen:
                raise InvalidRequest(
                    "the output is named twice", field="outputs", value=name, remedy="name it once"
                )
            seen.add(name)
            if name not in self.outputs:
                raise InvalidRequest(
                    f"the outputs are {', '.join(self.outputs)}",
                    field="outputs",
                    value=name,
                    remedy="ask for some of them, or for none to have them all",
                )

    def _check_shape(self, tensor: Tensor, allowed: set[tuple[int, ...]]) -> None:
        if tensor.shape not in allowed:
            shapes = " or ".join(str(list(shape)) for shape in sorted(allowed))
            raise InvalidRequest(
                f"the shape is {shapes}",
                field=tensor.name,
                value=list(tensor.shape),
                remedy="send one element a request, or one a candidate, as the metadata says",
            )


def signature_of(manifest: Manifest) -> Signature:
    """A column goes by its name, or by `context.NAME` or `item.NAME` where that is taken."""
    inputs = {
        USER_ID: Declared(USER_ID, BYTES, ONE),
        ITEM_IDS: Declared(ITEM_IDS, BYTES, EACH),
        BID: Declared(BID, "FP32", EACH, is_optional=True),
    }
    log = manifest.features.log
    context = _add(inputs, "context", log.context, ONE)
    item = _add(inputs, "item", log.item, EACH)
    return Signature(inputs, _outputs(manifest.tasks), context, item)


def _add(
    inputs: dict[str, Declared], table: str, columns: Iterable[Column], size: int
) -> dict[str, str]:
    named = {}
    for column in columns:
        name = f"{table}.{column.name}" if column.name in inputs else column.name
        datatype = BYTES if column.kind == "categorical" else "FP32"
        inputs[name] = Declared(name, datatype, size, is_optional=True)
        named[name] = column.name
    return named


def _outputs(tasks: Iterable[str]) -> dict[str, Declared]:
    datatypes = {ITEM_IDS: BYTES, SCORES: "FP64", VALUES: "FP64", TIER: BYTES, AVAILABLE: BOOL}
    datatypes |= {TASK_SCORES + task: "FP64" for task in tasks}
    return {name: Declared(name, datatype, EACH) for name, datatype in datatypes.items()}
