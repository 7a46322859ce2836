import json
from pathlib import Path

import numpy as np
import pytest

from loadtest.connection import Answer
from loadtest.peers.agreement import compare
from loadtest.peers.errors import PeerFailed
from loadtest.peers.pipeline import WholeAnswers, check_answer
from loadtest.peers.table import PEERS, named
from loadtest.pool import Pool

WANTED = np.zeros((4, 2), np.float32)
BUNDLE = Path("serving/student-0123")


def test_scores_within_the_tolerance_agree() -> None:
    compare(WANTED + np.float32(9e-6), WANTED)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (WANTED + np.float32(2e-5), "differ from the model's by 2e-05"),
        (WANTED * np.float32(np.nan), "differ"),
        (WANTED[:, :1], r"\[4, 1\]"),
    ],
    ids=["off", "not a number", "another shape"],
)
def test_scores_that_are_not_the_models_are_refused(scores: np.ndarray, said: str) -> None:
    with pytest.raises(PeerFailed, match=said):
        compare(scores, WANTED)


def _answer(version: str = "0123", degraded: tuple[str, ...] = (), status: int = 200) -> Answer:
    told = {"model": "student", "version": version, "degraded": list(degraded)}
    return Answer(status, {}, json.dumps(told, separators=(",", ":")).encode())


def test_whole_answer_of_the_bundle_is_measured() -> None:
    check_answer(_answer(), BUNDLE)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (_answer(version="4567"), "student-4567"),
        (_answer(degraded=("cache",)), "degraded"),
        (_answer(status=429), "429"),
    ],
    ids=["another bundle", "degraded", "refused"],
)
def test_answer_that_is_less_is_not_measured(answer: Answer, said: str) -> None:
    with pytest.raises(PeerFailed, match=said):
        check_answer(answer, BUNDLE)


@pytest.mark.parametrize(
    ("answer", "status"),
    [(_answer(), 200), (_answer(degraded=("cache",)), 206), (_answer(status=429), 429)],
    ids=["whole", "degraded", "shed"],
)
async def test_degraded_answer_counts_as_none(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, status: int
) -> None:
    async def told(self: Pool, request: bytes, timeout_s: float) -> Answer:
        return answer

    monkeypatch.setattr(Pool, "send", told)
    sender = WholeAnswers("http://127.0.0.1:1")
    assert (await sender.send(b"", 1.0)).status == status
    await sender.close()


def test_all_peers_run_ours_first_unless_some_are_named() -> None:
    assert named([], ["ours"]) == ["ours", *(peer.name for peer in PEERS)]
    assert named(["ray", "ours"], ["ours"]) == ["ray", "ours"]
    with pytest.raises(PeerFailed, match="'tray' is not known"):
        named(["tray"], ["ours"])
