from pathlib import Path

import psutil
import pytest

from server.rollout.lanes.memory import Memory, give_back, memory

MIB = 1 << 20


def _group(root: Path, limit: str, used: int, reclaimable: int) -> Path:
    (root / "memory.max").write_text(limit)
    (root / "memory.current").write_text(str(used))
    (root / "memory.stat").write_text(f"anon 1\ninactive_file {reclaimable}\n")
    return root


def test_limit_of_a_control_group_counts_without_what_the_kernel_would_give_back(
    tmp_path: Path,
) -> None:
    root = _group(tmp_path, str(100 * MIB), 60 * MIB, 20 * MIB)
    assert memory(root) == Memory(100 * MIB, 40 * MIB)


def test_limit_of_the_first_version_of_control_groups_counts_too(tmp_path: Path) -> None:
    group = tmp_path / "memory"
    group.mkdir()
    (group / "memory.limit_in_bytes").write_text(str(50 * MIB))
    (group / "memory.usage_in_bytes").write_text(str(30 * MIB))
    (group / "memory.stat").write_text(f"total_inactive_file {10 * MIB}\n")
    assert memory(tmp_path) == Memory(50 * MIB, 20 * MIB)


@pytest.mark.parametrize("limit", ["max", str(1 << 62), "nonsense"])
def test_without_a_limit_it_is_the_machines(tmp_path: Path, limit: str) -> None:
    found = memory(_group(tmp_path, limit, 1, 0))
    assert found.limit == psutil.virtual_memory().total


def test_limit_that_the_machine_cannot_give_is_none(tmp_path: Path) -> None:
    machine = psutil.virtual_memory()
    found = memory(_group(tmp_path, str(4 * machine.total), 0, 0))
    assert found.limit == machine.total


def test_room_is_what_is_left_of_a_share_of_the_limit() -> None:
    assert Memory(100, 40).room(0.9) == 50
    assert Memory(100, 95).room(0.9) == -5


def test_memory_is_given_back_without_a_fault() -> None:
    give_back()
