from typing import Any

import pytest

from cache.rollout_board import RolloutBoard
from server.rollout.acts import MAX_BY, Asked, Now, changed, perform
from server.rollout.candidate import Candidate
from server.rollout.errors import ActRefused
from server.rollout.history import read_history
from server.rollout.plan import DIRECT, RolloutPlan
from server.rollout.state import FILLING, MAX_BYTES, State
from tests.server.rollout.states import BEGUN, CANARY, NOW_MS, SHADOWING, STAGES, presence, put

NEXT = Candidate("/next", "student", "cafecafecafe")
NOW = Now("student", NOW_MS)
DONE = CANARY.replace(stage="done", stable="/b", previous="/a", keep_until_ms=NOW_MS + 1)
BACK = BEGUN.replace(stage="rolled_back")


def act(state: State, name: Any, now: Now = NOW, **fields: Any) -> State:
    return changed(state, Asked(name, "x@y", **fields), now)


@pytest.mark.parametrize("state", [State(), DONE, BACK])
def test_start_begins_with_verification_wherever_nothing_runs(state: State) -> None:
    then = act(state, "start", to=NEXT, plan=DIRECT, reason="better")
    assert (then.stage, then.step, then.candidate) == ("verifying", 0, "/next")
    assert (then.stable, then.plan, then.by) == (state.stable, DIRECT, "x@y")
    assert (then.reason, then.keep_until_ms) == ("better", 0)
    assert then.share == 0.0


def test_rollouts_are_named_by_time_and_never_alike() -> None:
    names = [act(State(), "start", Now("student", at), to=NEXT).rollout for at in (9, 10, 10)]
    assert names[0] < min(names[1:])
    assert names[1] != names[2]


@pytest.mark.parametrize("stage", STAGES)
def test_start_is_refused_while_one_runs(stage: str) -> None:
    with pytest.raises(ActRefused, match=f"/b is {stage}, paused: .* abort it first"):
        act(STAGES[stage].replace(is_paused=True), "start", to=NEXT)


def test_start_is_refused_with_a_model_of_another_name() -> None:
    with pytest.raises(ActRefused, match="holds the model other, not student"):
        act(State(), "start", to=NEXT._replace(name="other"))


def test_start_is_refused_with_what_is_answered_from() -> None:
    with pytest.raises(ActRefused, match="answered from already"):
        act(BACK.replace(stable="/next"), "start", to=NEXT)
    same = presence(stable_version=NEXT.version)
    with pytest.raises(ActRefused, match="cafecafecafe, which all gateways answer from already"):
        act(State(), "start", NOW._replace(fleet=(same, same)), to=NEXT)
    other = presence(stable_version="0ddba110ddba")
    some = act(State(), "start", NOW._replace(fleet=(same, other)), to=NEXT, plan=DIRECT)
    assert some.stage == "verifying"


def test_candidate_is_compared_with_one_student_of_one_version() -> None:
    one, other = (presence(stable_version=version) for version in ("aaaa", "bbbb"))
    then = act(State(), "start", NOW._replace(fleet=(one, one)), to=NEXT)
    assert (then.candidate_version, then.stable_version) == (NEXT.version, "aaaa")
    mixed = NOW._replace(fleet=(one, other))
    with pytest.raises(ActRefused, match=r"different bundles, aaaa, bbbb, .* start them alike"):
        act(State(), "start", mixed, to=NEXT)
    assert act(State(), "start", mixed, to=NEXT, plan=DIRECT).stable_version == ""
    # Of a folder it is known, whatever one gateway that cannot open it says.
    known = State(stable="/a", stable_version="aaaa")
    assert act(known, "start", mixed, to=NEXT).stable_version == "aaaa"


def test_versions_go_where_the_students_go() -> None:
    begun = act(State(stable="/a", stable_version="aaaa"), "start", to=NEXT)
    assert act(begun, "abort").stable_version == "aaaa"
    done = act(begun.replace(stage="canary"), "promote", is_to_the_end=True)
    assert (done.stable_version, done.previous_version) == (NEXT.version, "aaaa")
    assert act(done, "abort").stable_version == "aaaa"


def test_start_needs_a_bundle() -> None:
    with pytest.raises(ActRefused, match="NAME-VERSION"):
        act(State(), "start")


@pytest.mark.parametrize("stage", STAGES)
def test_pause_keeps_stage_and_share_and_resume_goes_on_from_there(stage: str) -> None:
    state = STAGES[stage]
    held = act(state, "pause")
    assert (held.is_paused, held.stage, held.step, held.tally) == (
        True,
        state.stage,
        state.step,
        state.tally,
    )
    with pytest.raises(ActRefused, match="is paused already"):
        act(held, "pause")
    assert act(held, "resume").is_paused is False
    with pytest.raises(ActRefused, match="is not paused already"):
        act(state, "resume")


@pytest.mark.parametrize("name", ["pause", "resume", "promote"])
@pytest.mark.parametrize("state", [State(), DONE, BACK])
def test_what_does_not_run_is_neither_paused_nor_promoted(state: State, name: str) -> None:
    with pytest.raises(ActRefused, match=f"no rollout of student is running: it is {state.stage}"):
        act(state, name)


def test_promote_takes_one_step_from_wherever_it_stands() -> None:
    state, shares, was_paused = SHADOWING.replace(step=FILLING, is_paused=True), [], []
    while state.is_running:
        state = act(state, "promote")
        shares.append(state.share)
        was_paused.append(state.is_paused)
    assert not any(was_paused)
    assert shares == [0.01, 0.05, 0.25, 0.5, 1.0, 0.0]
    assert (state.stage, state.stable, state.previous) == ("done", "/b", "/a")
    assert (state.is_paused, state.keep_until_ms) == (False, NOW_MS + 3_600_000)


def test_promote_to_the_end_skips_the_steps() -> None:
    for state in (SHADOWING, CANARY):
        assert act(state, "promote", is_to_the_end=True).stage == "done"


def test_promote_waits_until_gateways_have_the_bundle() -> None:
    with pytest.raises(ActRefused, match="not opened /b yet"):
        act(BEGUN, "promote", is_to_the_end=True)


@pytest.mark.parametrize("stage", STAGES)
def test_abort_rolls_back_what_runs(stage: str) -> None:
    then = act(STAGES[stage].replace(is_paused=True), "abort")
    assert (then.stage, then.stable, then.candidate) == ("rolled_back", "/a", "/b")
    assert (then.is_paused, then.reason) == (False, "abort by hand")


def test_abort_after_the_end_goes_back_while_the_bundle_before_is_kept() -> None:
    then = act(DONE, "abort")
    assert (then.stage, then.stable, then.candidate) == ("rolled_back", "/a", "/b")
    with pytest.raises(ActRefused, match=r"/a is unloaded by now: .* --plan direct"):
        act(DONE.replace(keep_until_ms=NOW_MS), "abort")


@pytest.mark.parametrize("state", [State(), BACK])
def test_abort_of_nothing_is_refused(state: State) -> None:
    with pytest.raises(ActRefused, match=f"the stage is {state.stage}"):
        act(state, "abort")


async def test_act_is_written_with_its_entry(board: RolloutBoard) -> None:
    plan = RolloutPlan(top_k=3)
    then = await perform(board, Asked("start", "x@y", "better", NEXT, plan))
    held = await board.read()
    assert State.decode(held.body) == then
    [entry] = read_history(await board.history(10))
    assert (entry.from_stage, entry.to_stage, entry.by) == ("idle", "verifying", "x@y")
    assert (entry.reason, entry.rollout, entry.candidate) == ("better", then.rollout, "/next")
    assert held.since_ms - 5_000 < entry.at_ms <= held.since_ms


async def test_refused_act_changes_and_records_nothing(board: RolloutBoard) -> None:
    await put(board, BEGUN)
    with pytest.raises(ActRefused):
        await perform(board, Asked("start", "x@y", to=NEXT))
    assert (await board.read()).revision == 1
    assert len(await board.history(10)) == 1


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"plan": RolloutPlan.model_construct(keep_s=float("inf"))}, "could not be read again"),
        ({"to": NEXT._replace(where="/" * MAX_BYTES)}, f"more than {MAX_BYTES}"),
        ({"to": NEXT._replace(where="/\ud800")}, "could not be read again"),
    ],
)
async def test_state_that_gateways_could_not_read_is_refused(
    board: RolloutBoard, fields: dict[str, Any], why: str
) -> None:
    with pytest.raises(ActRefused, match=why):
        await perform(board, Asked("start", "x@y", **({"to": NEXT} | fields)))
    assert (await board.read()).body is None


@pytest.mark.parametrize("by", ["", "x" * (MAX_BY + 1), "x@y\nz"])
def test_who_asks_is_told_in_one_line(by: str) -> None:
    with pytest.raises(ActRefused, match=f"1 to {MAX_BY} printable"):
        changed(BEGUN, Asked("pause", by), NOW)


async def test_second_of_two_who_saw_the_same_state_is_refused(board: RolloutBoard) -> None:
    revision = await put(board, CANARY)
    then = await perform(board, Asked("promote", "x@y", revision=revision))
    with pytest.raises(ActRefused, match=rf"x@y has changed it since: .* revision {revision + 1}"):
        await perform(board, Asked("promote", "z@y", revision=revision))
    assert State.decode((await board.read()).body) == then
    assert (await perform(board, Asked("promote", "z@y"))).step == 2


async def test_act_on_a_state_that_has_just_changed_is_refused(board: RolloutBoard) -> None:
    class Raced(RolloutBoard):
        async def replace(self, *args: Any, **named: Any) -> bool:
            await put(board, BACK)
            return await super().replace(*args, **named)

    await put(board, BEGUN)
    with pytest.raises(ActRefused, match="has just changed"):
        await perform(Raced(board._client, "student"), Asked("pause", "x@y"))
    assert State.decode((await board.read()).body) == BACK


async def test_act_that_was_sent_twice_is_done_once_and_not_refused(board: RolloutBoard) -> None:
    class Twice(RolloutBoard):
        async def replace(self, *args: Any, **named: Any) -> bool:
            await super().replace(*args, **named)
            return await super().replace(*args, **named)

    await put(board, BEGUN)
    then = await perform(Twice(board._client, "student"), Asked("pause", "x@y"))
    assert then.is_paused
    assert len(await board.history(10)) == 2
