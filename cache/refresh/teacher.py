"""A teacher bundle as a function from users and items to embeddings and logits."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from cache.arrays import F32
from cache.refresh.pages import Widths
from cache.refresh.stacked import Wanted, candidates_of, requests_of
from models.features.build import build
from models.features.catalogue import Catalogue
from models.features.catalogue_view import View
from models.features.live_catalogue import LiveCatalogue
from models.manifest import Manifest
from models.runtime import Inference


class Judged(NamedTuple):
    """One row a wanted pair, in order; not checked for NaN."""

    z: F32  # [N, d]
    logit: F32  # [N, T]


class Judge(Protocol):
    """What the refresher needs of a teacher. `judge` blocks; it is called from a thread."""

    trained_until_ms: int
    """Impressions before it may have been what the teacher learned of."""

    def judge(self, wanted: Sequence[Wanted]) -> Judged: ...


class NotATeacher(Exception):
    """The bundle gives no embeddings, or names no space for them."""


class Teacher:
    """Runs at most `candidate_limit` pairs at once, which bounds the memory of a run."""

    def __init__(self, model: Inference, catalogue: Catalogue, candidate_limit: int = 4096) -> None:
        if model.manifest.role != "teacher" or model.manifest.produces_space is None:
            raise NotATeacher(
                f"bundle {model.manifest.name}-{model.version} is a {model.manifest.role}: "
                "name a teacher bundle, one that says which space it produces"
            )
        self.space = model.manifest.produces_space
        self.schema = model.manifest.features
        self.trained_until_ms = model.manifest.trained_on.until_ms
        self.widths = widths_of(model.manifest)
        self._model = model
        self.items = LiveCatalogue(self.schema, catalogue)
        self._limit = candidate_limit

    def judge(self, wanted: Sequence[Wanted]) -> Judged:
        items = self.items.view
        parts = [self._run(chunk, items) for chunk in chunked(wanted, self._limit)]
        return Judged(*map(np.concatenate, zip(*parts, strict=True)))

    def _run(self, wanted: Sequence[Wanted], items: View) -> Judged:
        arrays = build(
            self.schema,
            items.table,
            requests_of(wanted, items, self.schema.history_length),
            candidates_of(wanted, items),
        )
        outputs = self._model.run(arrays)
        if outputs.z is None:
            raise NotATeacher(f"bundle {self._model.manifest.name} gave no z")
        return Judged(outputs.z, outputs.logit)


def widths_of(manifest: Manifest) -> Widths | None:
    """None where the graph leaves that of z open."""
    width = {spec.name: spec.shape[-1] for spec in manifest.outputs}.get("z")
    return (width, len(manifest.tasks)) if isinstance(width, int) else None


def chunked(wanted: Sequence[Wanted], limit: int) -> Iterator[list[Wanted]]:
    """In order, each chunk of at most `limit` pairs; a request may be cut in two."""
    chunk: list[Wanted] = []
    room = limit
    for each in wanted:
        keys = each.item_keys
        while len(keys):
            chunk.append(each._replace(item_keys=keys[:room]))
            keys, room = keys[room:], room - len(keys[:room])
            if not room:
                yield chunk
                chunk, room = [], limit
    if chunk:
        yield chunk
