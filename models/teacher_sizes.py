"""Teachers ready to train: two families, four sizes of each; docs/model-costs.md has the costs."""

from typing import Any, Final, Literal, get_args

from models.backbones.interformer import InterFormerConfig
from models.backbones.kunlun import EventConfig, KunlunConfig
from models.schema import FeatureSchema
from models.teacher import TeacherConfig

Size = Literal["s", "m", "l", "xl"]
Family = Literal["kunlun", "interformer"]
SIZES: Final[tuple[Size, ...]] = get_args(Size)
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)

_TOWERS: Final[dict[str, dict[str, Any]]] = {
    "s": {"hidden": 192, "cross_rank": 32, "interactions": 1, "interacted": 8},
    "m": {"hidden": 256, "cross_rank": 48, "interactions": 1, "interacted": 12},
    "l": {"hidden": 384, "cross_rank": 64, "interactions": 2, "interacted": 16},
    "xl": {"hidden": 512, "cross_rank": 96, "interactions": 3, "interacted": 24},
}
_INTERFORMERS: Final = {
    "s": InterFormerConfig(width=16, heads=2, layers=1, length=100),
    "m": InterFormerConfig(width=32, heads=2, layers=2, length=100),
    "l": InterFormerConfig(width=32, heads=4, layers=3, length=200),
    "xl": InterFormerConfig(width=64, heads=4, layers=4, length=200),
}


def _kunlun(width: int, layers: int, length: int) -> KunlunConfig:
    """Positives are fewer and say more: their sequence is half as long, and read as deeply."""
    shown = EventConfig(
        kind=0, length=length, width=2 * width, heads=4, tokens=4, layers=layers, window=25
    )
    positive = EventConfig(
        kind=1, length=length // 2, width=width, heads=2, tokens=4, layers=layers, window=25
    )
    return KunlunConfig(width=width, kinds=(shown, positive))


_KUNLUNS: Final = {
    "s": _kunlun(width=16, layers=2, length=100),
    "m": _kunlun(width=32, layers=2, length=100),
    "l": _kunlun(width=32, layers=4, length=200),
    "xl": _kunlun(width=64, layers=4, length=200),
}


def teacher_config(features: FeatureSchema, family: Family, size: Size, seed: int) -> TeacherConfig:
    backbone = _KUNLUNS[size] if family == "kunlun" else _INTERFORMERS[size]
    return TeacherConfig(features=features, backbone=backbone, seed=seed, **_TOWERS[size])
