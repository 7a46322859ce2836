"""Every family of students by name: to add one is to name its config and its class here."""

from typing import Annotated, Final, Literal, assert_never

from pydantic import Field

from models.schema import FeatureSchema
from models.students.dcnv2 import Dcnv2, Dcnv2Config
from models.students.din import Din, DinConfig
from models.students.interformer import InterFormerStudent, InterFormerStudentConfig

ReaderConfig = Annotated[
    DinConfig | Dcnv2Config | InterFormerStudentConfig, Field(discriminator="family")
]
Reader = Din | Dcnv2 | InterFormerStudent
Family = Literal["din", "dcnv2", "interformer"]
FAMILIES: Final[dict[Family, ReaderConfig]] = {
    "din": DinConfig(),
    "dcnv2": Dcnv2Config(),
    "interformer": InterFormerStudentConfig(),
}


def reader_of(features: FeatureSchema, config: ReaderConfig) -> Reader:
    match config:
        case DinConfig():
            return Din(features, config)
        case Dcnv2Config():
            return Dcnv2(features, config)
        case InterFormerStudentConfig():
            return InterFormerStudent(features, config)
    assert_never(config)
