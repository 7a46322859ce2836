"""A session's threads follow what the container may use, not what the machine has."""

import os
from pathlib import Path

import pytest

from models.providers.threads import usable_cores


@pytest.fixture
def cpu_max(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    return tmp_path / "cpu.max"


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("max 100000", 8),
        ("300000 100000", 3),
        ("250000 100000", 2),
        ("50000 100000", 1),
        ("3200000 100000", 8),
        ("no quota", 8),
        ("100000 0", 8),
        ("", 8),
    ],
)
def test_quota_bounds_the_affinity(cpu_max: Path, quota: str, cores: int) -> None:
    cpu_max.write_text(quota + "\n")
    assert usable_cores(cpu_max) == cores


def test_affinity_alone_counts_without_a_control_group(cpu_max: Path) -> None:
    assert usable_cores(cpu_max) == 8
