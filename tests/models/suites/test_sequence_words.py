"""What another bottleneck would have left of the past, against what the teacher itself left."""

import numpy as np
import pytest
from rich.progress import Progress

from models import settled_bottleneck
from models.annotation.annotations import Annotations
from models.data.adworld.world import make_log
from models.data.causal import Replay
from models.features.records import ZSequence
from models.replay.sequence import levels, sequence_at
from models.suites.activations import Layer
from models.suites.sequence_words import Words
from models.suites.workbench import Workbench
from models.train import Chosen
from models.training.parts import Recipes
from tests.trained import SMALL


@pytest.fixture(scope="module")
def words() -> Words:
    replay = Replay.of(make_log(impressions=3_000, seed=7))
    recipes = Recipes(teacher=SMALL, student=SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settled_bottleneck, "STEPS", 40)
        return Words.of(Workbench(replay, 0, recipes, Progress(disable=True), Chosen()))


def read(words: Words, notes: Annotations, length: int = 12) -> ZSequence:
    requests = words.replay.requests_in(words.replay.log.periods.test)
    return sequence_at(words.replay, notes.sequence, requests, length)


def test_exact_words_round_to_those_that_were_left(words: Words) -> None:
    """The same teacher, the same past, the same instants: only half precision is between them."""
    exact = words.exact().sequence.z[words.past.impressions].astype(np.float32)
    left = words.notes.sequence.z[words.past.impressions].astype(np.float32)
    assert left.any()
    assert np.abs(np.clip(exact, -1.0, 7 / 8) - left).max() < 1 / 16 + 0.01
    assert (levels(exact) == left).mean() > 0.98
    assert not np.array_equal(exact, left)


def test_nothing_else_was_spoken_of(words: Words) -> None:
    spoken = np.zeros(len(words.notes.sequence.z), np.bool_)
    spoken[words.past.impressions] = True
    assert not words.notes.sequence.z[~spoken].any()
    assert not words.exact().sequence.z[~spoken].any()


def test_a_prefix_keeps_the_first_numbers_and_the_width(words: Words) -> None:
    whole, part = words.notes.sequence.z, words.prefix(8).sequence.z
    np.testing.assert_array_equal(part[:, :8], whole[:, :8])
    assert part.shape == whole.shape
    assert not part[:, 8:].any()
    assert whole[:, 8:].any()
    assert words.rank(words.prefix(8)) < words.rank(words.notes)


def test_no_word_reaches_further_back_than_the_length(words: Words) -> None:
    whole, short = read(words, words.notes), read(words, words.newest(5))
    np.testing.assert_array_equal(short.said[:, -5:], whole.said[:, -5:])
    np.testing.assert_array_equal(short.z[:, -5:], whole.z[:, -5:])
    assert not short.said[:, :-5].any()
    assert whole.said[:, :-5].any()


@pytest.mark.parametrize(("layer", "width"), [("first", 64), ("second", 32), ("embedded", 32)])
def test_a_bottleneck_elsewhere_says_a_word_as_wide_on_the_same_events(
    words: Words, layer: Layer, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled_bottleneck, "STEPS", 40)
    notes = words.taken(layer, width)
    whole, other = read(words, words.notes), read(words, notes)
    np.testing.assert_array_equal(other.said, whole.said)
    assert other.z.shape == (*whole.z.shape[:2], width)
    assert notes.pair.z.shape[1] == width
    assert other.z[other.said > 0].std() > 0.05
    np.testing.assert_array_equal(notes.pair.logit, words.notes.pair.logit)
