import pytest
from pydantic import ValidationError

from models.schema import TIERS, Column, FeatureSchema, LogSchema, categorical, numbers
from tests.models.data.small_logs import SCHEMA

FINGERPRINT = 0x9FCC12C7371C7AB


def renamed(schema: LogSchema, table: str, name: str) -> LogSchema:
    first, *others = getattr(schema, table)
    return schema.model_copy(update={table: (first.model_copy(update={"name": name}), *others)})


def test_the_fingerprint_is_the_layouts_alone() -> None:
    fitted = tuple(c.model_copy(update={"buckets": 512, "mean": 3.0}) for c in SCHEMA.item)
    assert SCHEMA.model_copy(update={"item": fitted}).fingerprint() == SCHEMA.fingerprint()


def test_the_fingerprint_changes_with_names_kinds_order_and_tasks() -> None:
    one = SCHEMA.fingerprint()
    others = [
        renamed(SCHEMA, "user", "viewer_id"),
        renamed(SCHEMA, "context", "scene"),
        SCHEMA.model_copy(update={"item": SCHEMA.item[::-1]}),
        SCHEMA.model_copy(update={"tasks": SCHEMA.tasks[::-1]}),
        SCHEMA.model_copy(update={"user": SCHEMA.item, "item": SCHEMA.user}),
    ]
    prints = {schema.fingerprint() for schema in others}
    assert one not in prints
    assert len(prints) == len(others)
    assert all(0 <= value < 1 << 64 for value in prints)


def test_the_fingerprint_is_the_one_already_stored() -> None:
    """User records hold it: another value for this layout would make all of them unreadable."""
    layout = LogSchema(tasks=("click",), user=(Column(name="user_id", kind="categorical"),))
    assert layout.fingerprint() == FINGERPRINT


@pytest.mark.parametrize(
    "wrong",
    [
        {"tasks": ()},
        {"tasks": ("a", "b", "c", "d", "e")},
        {"tasks": ("click",), "counter_half_life_hours": 0},
        {"tasks": ("click",), "user": ({"name": "", "kind": "number"},)},
        {"tasks": ("click",), "user": ({"name": "age", "kind": "text"},)},
        {"tasks": ("click",), "surprise": 1},
    ],
)
def test_a_malformed_schema_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LogSchema.model_validate(wrong)


def test_a_schema_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        setattr(SCHEMA, "tasks", ("other",))  # noqa: B010 (mypy knows that it is frozen)


def test_columns_divide_by_kind_in_order() -> None:
    assert [column.name for column in categorical(SCHEMA.user)] == ["user_id", "city"]
    assert [column.name for column in numbers(SCHEMA.user)] == ["age"]


def features(teacher_dim: int = 0, *, reads_sequence: bool = False) -> FeatureSchema:
    return FeatureSchema(
        log=SCHEMA,
        history_length=7,
        teacher_dim=teacher_dim,
        reads_sequence=reads_sequence,
        prior_rates=(0.1, 0.1),
    )


def test_sequence_is_declared_on_the_events_of_the_history() -> None:
    shapes = {spec.name: spec.shape for spec in features(16, reads_sequence=True).inputs()}
    assert shapes["history_z"] == ("R", 7, 16)
    assert shapes["history_said"] == ("R", 7)
    assert "history_z" not in {spec.name for spec in features(16).inputs()}


def test_sequence_without_a_width_is_refused() -> None:
    with pytest.raises(ValueError, match="teacher_dim above 0"):
        features(reads_sequence=True)


def test_inputs_declare_user_side_once_a_request_and_candidates_once_each() -> None:
    axes = {spec.name: spec.shape[0] for spec in features(16).inputs()}
    user_side = [name for name, axis in axes.items() if axis == "R"]
    assert user_side == [
        "user_categorical",
        "user_number",
        "context_categorical",
        "context_number",
        "history_categorical",
        "history_outcome",
        "history_gap",
        "group_rows",
    ]
    assert set(axes.values()) == {"R", "N"}


def test_widths_hold_columns_and_counters() -> None:
    shapes = {spec.name: spec.shape for spec in features(16).inputs()}
    assert shapes["user_number"] == ("R", 1 + 3)
    assert shapes["item_number"] == ("N", 1 + 3)
    assert shapes["context_number"] == ("R", 1 + 1)
    assert shapes["context_categorical"] == ("R", 1 + 1)
    assert shapes["history_categorical"] == ("R", 7, 2)
    assert shapes["teacher_z"] == ("N", 16)
    assert shapes["teacher_logit"] == ("N", 2)


def test_only_a_reader_of_a_teacher_declares_its_inputs() -> None:
    names = {spec.name for spec in features().inputs()}
    more = {spec.name for spec in features(16).inputs()}
    assert more - names == {"teacher_z", "teacher_logit", "teacher_tier", "teacher_state"}


@pytest.mark.parametrize("length", [0, -1, 1025])
def test_a_history_is_bounded(length: int) -> None:
    with pytest.raises(ValidationError):
        FeatureSchema(log=SCHEMA, history_length=length, prior_rates=(0.1, 0.1))


def test_tier_codes_are_those_that_students_were_trained_with() -> None:
    assert TIERS == ("none", "item", "user", "neighbour", "pair")
