"""Model FLOPs utilisation: operations a second of training ÷ the most that the device can do."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import torch

from models.suites.table import Cell, Table
from models.suites.training_step import Sample, TrainingStep, interleaved, placement_here
from models.suites.workbench import Workbench
from models.teacher_sizes import FAMILIES, SIZES, teacher_config
from models.training.placement import Placement

PEAKS: Final = {"H100 80GB HBM3": 989e12, "H200": 989e12, "A100": 312e12}
"""FLOP/s by part of the name that the driver gives: dense bf16 as in NVIDIA's data sheets (H100
SXM and H200: half of the 1,979 TFLOPS quoted with sparsity; A100: 312)."""
IMPRESSIONS: Final = 8_192
ROUNDS: Final = 21
COLUMNS: Final = ("teacher", "device", "TFLOP/s", "MFU, %")
NOTE: Final = (
    "FLOPs of forward and backward ÷ the median time of a training step ÷ the device's dense bf16 "
    f"peak; bf16 autocast, {IMPRESSIONS:,} candidates, their copy to the device included. Kunlun "
    "(arXiv 2602.10016) reports 17 % before and 37 % after its changes, on B200 and with models "
    "that are far larger."
)


def utilisation(bench: Workbench) -> Table:
    rows: list[list[Cell | str]] = [["no GPU here", "–", "–", "–"]]
    if torch.cuda.is_available():
        rows = list(rows_of(bench, torch.cuda.get_device_name(), placement_here()))
    return Table("Model FLOPs utilisation", COLUMNS, rows, NOTE)


def peak_of(device: str) -> float | None:
    """None for a device whose data sheet nobody has entered."""
    return next((peak for name, peak in PEAKS.items() if name in device), None)


def mfu(flops: int, seconds: float, device: str) -> Cell | str:
    """In percent."""
    peak = peak_of(device)
    return "peak unknown" if peak is None else Cell(100 * flops / seconds / peak, None, 2)


def rows_of(bench: Workbench, device: str, placement: Placement) -> Iterator[list[Cell | str]]:
    sample = Sample.of(bench.replay, IMPRESSIONS)
    for family in FAMILIES:
        for size in SIZES:
            name = f"{family} {size}"
            config = teacher_config(sample.features, family, size, bench.seed)
            step = TrainingStep(config, sample, placement)
            seconds = float(np.median(interleaved({name: step}, ROUNDS)[name]))
            achieved = Cell(step.flops / seconds / 1e12, None, 3)
            yield [name, device, achieved, mfu(step.flops, seconds, device)]
