"""What one teacher might have left of its users' past, of activations that are read once."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from models.annotation.annotations import Annotations
from models.data.causal import Replay
from models.evaluate import effective_rank
from models.examples import Examples
from models.features.records import I64
from models.layers.matryoshka import Matryoshka
from models.replay.sequence import F16, levels
from models.settled_bottleneck import MOST_REQUESTS
from models.suites.activations import Activations, Layer, Past, of_past, of_shown
from models.suites.late_bottleneck import fitted, z_of
from models.suites.workbench import Workbench
from models.teacher import Teacher, TeacherConfig
from models.teacher_sizes import teacher_config


@dataclass(frozen=True, slots=True)
class Words:
    replay: Replay
    notes: Annotations
    own: Matryoshka  # the bottleneck that the teacher was trained with
    past: Past
    days: Activations  # of the teacher's own
    config: TeacherConfig

    @classmethod
    def of(cls, bench: Workbench) -> Self:
        """Runs the teacher over the past that it spoke of, and over the last of its own days."""
        replay, chosen = bench.replay, bench.chosen
        teacher, schema = bench.teacher.model, bench.teacher.schema
        assert isinstance(teacher, Teacher)
        config = teacher_config(schema, chosen.teacher, chosen.size, bench.seed)
        examples = Examples.of(replay, schema)
        past = of_past(teacher, examples, _annotated(replay), bench.seed)
        days = of_shown(teacher, examples, _own_days(replay))
        return cls(replay, bench.notes, teacher.bottleneck, past, days, config)

    def prefix(self, width: int) -> Annotations:
        """The first numbers of z, zeros for the others."""
        z = self.notes.sequence.z.copy()
        z[:, width:] = 0
        return self.notes._replace(sequence=self.notes.sequence._replace(z=z))

    def newest(self, length: int) -> Annotations:
        """No word on an event that lies more than so many before a request."""
        users = self.replay.users.before(self.replay.user, self.replay.time_ms)
        start = np.maximum(self.notes.sequence.start, users.end - length)
        return self.notes._replace(sequence=self.notes.sequence._replace(start=start))

    def exact(self) -> Annotations:
        """As the teacher says it, before a page rounds it to 4 bits."""
        return self._said(z_of(self.own, self.past.activations.first).astype(np.float16))

    def taken(self, layer: Layer, width: int) -> Annotations:
        """Of a bottleneck fitted afterwards."""
        prefixes = self.config.model_copy(update={"z_dim": width}).prefixes
        bottleneck = fitted(self.days.of(layer), prefixes, self.config.seed)
        return self._said(levels(z_of(bottleneck, self.past.activations.of(layer))))

    def rank(self, notes: Annotations) -> float:
        """Effective rank of what was said."""
        return effective_rank(notes.sequence.z[self.past.impressions].astype(np.float32))

    def _said(self, of_past: F16) -> Annotations:
        """Pairs have a z as wide, of zeros: nobody here reads it."""
        count, width = len(self.notes.sequence.z), of_past.shape[1]
        z = np.zeros((count, width), np.float16)
        z[self.past.impressions] = of_past
        unread = np.broadcast_to(np.float32(0.0), (count, width))
        return self.notes._replace(
            pair=self.notes.pair._replace(z=unread), sequence=self.notes.sequence._replace(z=z)
        )


def _annotated(replay: Replay) -> I64:
    """What models.train.annotated has the teacher's word on."""
    periods = replay.log.periods
    return replay.requests_in(periods.student.model_copy(update={"until_ms": periods.until_ms}))


def _own_days(replay: Replay) -> I64:
    """As many as the teacher's own bottleneck was settled on."""
    return replay.requests_in(replay.log.periods.teacher)[-MOST_REQUESTS:]
