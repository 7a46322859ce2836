"""A lane: one verified bundle with all that answers with it."""

import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from models.features.catalogue import Catalogue
from models.features.live_catalogue import LiveCatalogue
from models.manifest import BundleError, Manifest
from models.providers.execution import CPU, Execution
from models.registry.signature import check_signature
from models.runtime import Model, load
from server.admission import Admission, Cost, Room
from server.answer import AnswerWriter
from server.assembly import Assembler
from server.batch import Batcher
from server.cache_links import CacheLinks
from server.candidates import CandidateReader
from server.execution import execution_of, threads_of
from server.feedback import Feedback
from server.freshness import Freshness
from server.in_hand import InHand
from server.inference import InProcess, TritonFirst, triton_first
from server.item_hints import ItemHints
from server.lower_tiers import lower_tiers
from server.metrics import LaneMetrics, Metrics
from server.objectives import objectives_of
from server.ranker import Limits, Ranker
from server.scoring import Scorer
from server.served_log import ServedLog
from server.settings import Settings
from server.slate import Ordering
from server.stand_in import StandIn, check_stand_in
from server.windows import SlidingCounts

STABLE: Final = "stable"
LATELY: Final = 32
"""Requests that are remembered, to try another bundle with."""


class UntrainedForMisses(BundleError):
    """The student reads a teacher's space and never saw a miss in training."""


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    folder: Path
    model: Model
    catalogue: LiveCatalogue
    ranker: Ranker
    answers: AnswerWriter
    feedback: Feedback
    batcher: Batcher
    admission: Admission
    freshness: Freshness
    triton: TritonFirst | None
    in_hand: InHand
    item_hints: ItemHints | None = None

    def named(self, name: str, settings: Settings, metrics: Metrics) -> "Lane":
        """The same bundle in another role: what bears the name is its own, all else is shared.
        A request that holds the lane as it was is answered and counted under the name before."""
        told = _told(name, self.model, settings, metrics)
        feedback = self.feedback.of(told.metrics)
        return replace(
            self, name=name, answers=told.answers, feedback=feedback, freshness=told.freshness
        )


class _Told(NamedTuple):
    """What bears a lane's name."""

    answers: AnswerWriter
    metrics: LaneMetrics
    freshness: Freshness


def load_model(
    settings: Settings, folder: Path, catalogue: Path | None = None
) -> tuple[Model, Catalogue]:
    """Blocking. `catalogue` None is that of the settings. Raises BundleError, CatalogueError."""
    model = _trusted(settings, folder, execution_of(settings))
    manifest = model.manifest
    if manifest.reads_space is not None and manifest.coverage_trained is None:
        raise UntrainedForMisses(
            f"{folder} reads the space {manifest.reads_space} and its manifest names no coverage "
            "that it was trained at: train it with hints dropped at random and export again"
        )
    lower_tiers(settings, manifest)
    path = catalogue or settings.catalogue or folder.parent / "catalogue.safetensors"
    return model, Catalogue.load(path, manifest.features.log)


def load_stand_in(settings: Settings, lane: Manifest) -> Model | None:
    """Blocking. On the CPU, whatever runs the lane's student. Raises BundleError."""
    if settings.stand_in_bundle is None:
        return None
    model = _trusted(settings, settings.stand_in_bundle, CPU)
    check_stand_in(settings.stand_in_bundle, model.manifest, lane)
    return model


def _trusted(settings: Settings, folder: Path, execution: Execution) -> Model:
    if settings.trusted_keys is not None:
        check_signature(folder, settings.trusted_keys)
    return load(folder, threads_of(settings), execution)


def build_lane(
    name: str,
    folder: Path,
    model: Model,
    catalogue: Catalogue,
    links: CacheLinks,
    metrics: Metrics,
    stand_in: Model | None = None,
    room: Room | None = None,
) -> Lane:
    """`room` None: its own."""
    settings, manifest = links.settings, model.manifest
    admission = Admission(Cost(0.0, 0.0), room or Room(settings.max_inflight_candidates))
    demand, feed = links.demand(manifest), links.served()
    if feed is not None:
        metrics.feeds.served_share.set(settings.served_share)
    served = None if feed is None else ServedLog(feed, model, settings.served_share)
    items = LiveCatalogue(manifest.features, catalogue)
    tiers = lower_tiers(settings, manifest)
    reads_items = "item" in tiers and links.table is not None
    hints = ItemHints(catalogue, manifest.features.teacher_dim) if reads_items else None
    assembler = Assembler(manifest.features, items, links.ttl, tiers=tiers, items=hints)
    triton = triton_first(settings, model, folder)
    instead = None if stand_in is None else StandIn.of(stand_in, items, links.ttl)
    scorer = Scorer(model, triton or InProcess(model), instead)
    batcher = Batcher(assembler, scorer, settings.batch_candidates, admission)
    ranker = Ranker(
        model=model,
        batcher=batcher,
        cache=links.reader(manifest),
        admission=admission,
        candidates=CandidateReader(manifest.features.log.item, settings.max_candidates),
        ordering=Ordering(settings.rerank_depth, settings.rerank_budget_ms),
        limits=Limits(settings.deadline_ms, settings.replay),
        clock_ms=lambda: time.time_ns() // 1_000_000,
    )
    told = _told(name, model, settings, metrics)
    feedback = Feedback(
        metrics, told.metrics, demand, served, settings.demand_hits, deque(maxlen=LATELY)
    )
    return Lane(
        name, folder, model, items, ranker, told.answers, feedback, batcher, admission,
        told.freshness, triton, InHand(), hints,
    )  # fmt: skip


def _told(name: str, model: Model, settings: Settings, metrics: Metrics) -> _Told:
    lane = LaneMetrics(metrics, name, model.version)
    objectives = objectives_of(settings, metrics.age_bounds_s)
    freshness = Freshness(SlidingCounts(lane.counts), metrics.age_bounds_s, objectives)
    return _Told(AnswerWriter(model.manifest.name, model.version, name), lane, freshness)
