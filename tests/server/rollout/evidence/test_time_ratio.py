"""Whose model is the slower, told of each request alone."""

from pathlib import Path
from typing import Any

from server.rollout.evidence.pair import ROUNDS
from server.rollout.guardrails.layout import RATIOS
from tests.server.conftest import Served
from tests.server.rollout.evidence.shadowed import Failing, pairing
from tests.server.rollout.evidence.told import sums_of


async def test_models_are_timed_for_one_request_alone_however_many_were_answered_together(
    served: Served, tmp_path: Path
) -> None:
    world = await pairing(served, tmp_path)
    timed: list[tuple[str, int]] = []
    for name, lane in (("stable", world.stable), ("canary", world.candidate)):
        _note_runs(lane.model, name, timed)
    ranked = await world.answer(0, 1, 2, 3)
    assert len({id(each.inputs.assembly) for each in ranked}) == 1
    timed.clear()
    await world.shadow_all(4)
    world.close()
    assert {size for name, size in timed if name == "stable"} == {20}
    assert len(timed) == 4 * (2 * ROUNDS + 1)
    assert sums_of(world.witness, "canary").many(RATIOS).sum() == 4.0


def _note_runs(model: Any, name: str, noted: list[tuple[str, int]]) -> None:
    session = model.session

    class Noting:
        def run(self, names: Any, arrays: Any) -> Any:
            noted.append((name, len(arrays["request_index"])))
            return session.run(names, arrays)

    object.__setattr__(model, "session", Noting())


async def test_model_that_fails_has_no_time(served: Served, tmp_path: Path) -> None:
    world = await pairing(served, tmp_path, backend=Failing())
    await world.answer(0)
    await world.shadow_all(1)
    world.close()
    assert not sums_of(world.witness, "canary").many(RATIOS).any()
