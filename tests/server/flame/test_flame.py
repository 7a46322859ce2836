import itertools

import pytest

from tests.server.flame.picture import boxes, draw, tree
from tests.server.flame.stacks import (
    AROUND,
    Frame,
    StacksUnread,
    by_stage,
    read_stacks,
    self_time,
    total,
)
from tests.server.flame.table import as_markdown
from tests.server.measure_flame import main_share, why_not

RAW = """\
<module> (understudy.py:135);run (uvicorn/server.py:60);__call__ (server/routes/rank.py:50) 10
<module> (understudy.py:135);run (uvicorn/server.py:60);__call__ (server/routes/rank.py:50);\
rank (server/ranker.py:59);read (cache/reader.py:56);decode (cache/page.py:20) 30
_bootstrap (threading.py:9);_judge (server/batch.py:142);assemble (server/assembly.py:118);\
resolve (cache/tiers.py:83) 20
_bootstrap (threading.py:9);_judge (server/batch.py:142);score (server/scoring.py:62);\
run (models/runtime.py:59);run (onnxruntime/capi/session.py:200) 35
<module> (understudy.py:135);run (uvicorn/server.py:60) 5
"""
FACTS = {"date": "2026-11-26", "hardware": "a machine", "load": "400 requests/s",
         "main_share": "44%",
         "command": "python -m tests.server.measure_flame build/demo"}  # fmt: skip


def test_each_sample_is_of_the_innermost_stage_once() -> None:
    spent = by_stage(read_stacks(RAW))
    assert {name: count for name, count in spent.items() if count} == {
        "cache": 30,
        "features": 20,
        "inference": 35,
        "route and batch": 10,
        AROUND: 5,
    }


def test_self_time_is_of_the_frame_that_was_executing() -> None:
    spent = self_time(read_stacks(RAW))
    assert spent.most_common(1) == [(Frame("run", "onnxruntime/capi/session.py"), 35)]
    assert sum(spent.values()) == total(read_stacks(RAW)) == 100


def test_a_function_is_one_frame_whatever_its_line() -> None:
    raw = "a (server/x.py:1);b (server/y.py:2) 1\na (server/x.py:7);b (server/y.py:2) 2\n"
    assert self_time(read_stacks(raw)) == {Frame("b", "server/y.py"): 3}
    assert len(tree(read_stacks(raw)).called) == 1


def test_a_name_with_brackets_and_a_frame_without_a_file_are_read() -> None:
    [stack] = read_stacks("<listcomp> (server/x.py:3);native 4")
    assert stack.frames == (Frame("<listcomp>", "server/x.py"), Frame("native", ""))


def test_threads_without_work_and_without_frames_are_left_out() -> None:
    idle = "_bootstrap (threading.py:9);_worker (concurrent/futures/thread.py:69) 70\n 3\n"
    assert read_stacks(RAW + idle) == read_stacks(RAW)


@pytest.mark.parametrize("line", ["no count here", "a (server/x.py:1)"])
def test_another_format_is_refused(line: str) -> None:
    with pytest.raises(StacksUnread, match="--format raw"):
        read_stacks(line)


def test_the_tables_name_stages_and_frames() -> None:
    table = as_markdown(read_stacks(RAW), FACTS)
    assert "| inference | 35.0% |" in table
    assert "| `decode (cache/page.py)` | 30.0% |" in table
    assert "100 samples" in table
    assert "has 45% of the samples; of the processor time the kernel charges it with 44%" in table


def test_boxes_of_one_depth_lie_beside_each_other_and_over_their_caller() -> None:
    drawn = boxes(tree(read_stacks(RAW)))
    by_depth: dict[int, list[tuple[float, float]]] = {}
    for box in drawn:
        by_depth.setdefault(box.depth, []).append((box.left, box.left + box.width))
    for spans in by_depth.values():
        ordered = sorted(spans)
        assert all(left[1] <= right[0] + 1e-9 for left, right in itertools.pairwise(ordered))
    names = [box.frame.name for box in drawn]
    assert "_bootstrap" not in names  # it only passes on
    assert "_judge" in names


def test_the_picture_has_the_frames_that_are_wide() -> None:
    drawn = draw(read_stacks(RAW))
    assert drawn.startswith("<svg")
    assert "decode (cache/page.py)" in drawn


def test_threads_are_charged_with_what_they_spent_meanwhile() -> None:
    assert main_share({1: 5.0, 2: 1.0}, {1: 8.0, 2: 7.0, 3: 1.0}, 1) == pytest.approx(0.3)


def test_a_missing_right_to_trace_is_told_with_its_remedy() -> None:
    said = "Error: Permission Denied: Try running again with elevated permissions\n"
    assert "CAP_SYS_PTRACE" in str(why_not(1, said))
    assert "CAP_SYS_PTRACE" not in str(why_not(1, "Error: No such process"))
    assert why_not(0, "") is None
