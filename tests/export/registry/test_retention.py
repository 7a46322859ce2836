"""What goes is old, one of too many, used by nobody, and the teacher of none that stays."""

import hashlib
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.registry.retention import DAY_MS, LEFTOVER_MS, Plan, Rule, plan, remove
from models.manifest import MANIFEST, MODEL
from models.registry.entry import Entry
from models.registry.errors import BundleUnknown, RegistryUnavailable
from models.registry.reference import Reference
from models.registry.registry import Registry, entry_name, file_name, folder_name
from tests.registries import failing, filled, reference_of

NOW_MS = 1_760_000_000_000


def _registry() -> Registry:
    return Registry.open(f"memory://{uuid.uuid4().hex}")


def _add(registry: Registry, name: str, age_days: float, **facts: Any) -> Reference:
    """A bundle of which retention reads no more than that it is there."""
    sha256 = hashlib.sha256(f"{name} {age_days} {facts}".encode()).hexdigest()
    reference = Reference(name, sha256[:12])
    told = {"role": "student", "reads_space": None, "produces_space": None} | facts
    entry = Entry(
        manifest_sha256=sha256,
        size_bytes=1,
        pushed_at_ms=NOW_MS - int(age_days * DAY_MS),
        pushed_by="alice",
        **told,
    )
    registry.store.put_bytes(entry_name(reference), entry.to_bytes())
    registry.store.put_bytes(file_name(reference, MANIFEST), b"{}")
    return reference


def _going(planned: Plan) -> set[Reference]:
    return {each.reference for each in planned.going}


def test_newest_of_each_name_stay() -> None:
    registry = _registry()
    _, old, oldest = (_add(registry, "student", age) for age in (1, 2, 3))
    alone = _add(registry, "alone", 9)
    planned = plan(registry, Rule(keep=1), NOW_MS)
    assert _going(planned) == {old, oldest}
    assert planned.kept[alone] == "among the newest 1 of its name"


def test_young_bundles_stay_however_many() -> None:
    registry = _registry()
    _, week, month = (_add(registry, "student", age) for age in (1, 7, 30))
    planned = plan(registry, Rule(keep=1, older_than_ms=14 * DAY_MS), NOW_MS)
    assert _going(planned) == {month}
    assert planned.kept[week] == "not old enough"


def test_bundle_in_use_stays_however_old() -> None:
    registry = _registry()
    _, used, other = (_add(registry, "student", age) for age in (1, 2, 3))
    planned = plan(registry, Rule(keep=1, in_use=frozenset([used])), NOW_MS)
    assert _going(planned) == {other}
    assert planned.kept[used] == "in use"


def test_bundle_in_use_that_is_not_there_stops_everything() -> None:
    registry = _registry()
    _add(registry, "student", 1)
    slip = Reference("studemt", "0" * 12)
    with pytest.raises(BundleUnknown, match="studemt-000000000000"):
        plan(registry, Rule(keep=1, in_use=frozenset([slip])), NOW_MS)


def test_teacher_of_a_student_that_stays_stays() -> None:
    registry = _registry()
    _add(registry, "teacher", 1, role="teacher", produces_space="new")
    read = _add(registry, "teacher", 2, role="teacher", produces_space="read")
    unread = _add(registry, "teacher", 3, role="teacher", produces_space="unread")
    student = _add(registry, "student", 4, reads_space="read")
    gone = _add(registry, "student", 5, reads_space="unread")
    planned = plan(registry, Rule(keep=1), NOW_MS)
    assert _going(planned) == {unread, gone}
    assert planned.kept[read] == f"teacher of {student}"


def test_bundle_of_unknown_age_stays() -> None:
    registry = _registry()
    _add(registry, "student", 1)
    lost = _add(registry, "student", 900)
    registry.store.put_bytes(entry_name(lost), b"{")
    planned = plan(registry, Rule(keep=1), NOW_MS)
    assert _going(planned) == set()
    assert "unknown age" in planned.kept[lost]


AGES = st.lists(st.integers(0, 60), min_size=1, max_size=8, unique=True)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), AGES, min_size=1), st.integers(1, 4),
       st.integers(0, 40), st.integers(0, 99))  # fmt: skip
def test_what_goes_is_what_a_plain_reading_of_the_rule_says(
    ages: dict[str, list[int]], keep: int, older_than: int, pick: int
) -> None:
    registry = _registry()
    held = {name: [(age, _add(registry, name, age)) for age in each] for name, each in ages.items()}
    everything = sorted(reference for each in held.values() for _, reference in each)
    used = everything[pick % len(everything)]
    expected = {
        reference
        for each in held.values()
        for age, reference in sorted(each)[keep:]
        if age >= older_than and reference != used
    }
    rule = Rule(keep, older_than * DAY_MS, frozenset([used]))
    assert _going(plan(registry, rule, NOW_MS)) == expected


def test_removal_takes_the_bundle_and_nothing_else(
    kind: str, tmp_path: Path, student: Path, later: Path
) -> None:
    registry = filled(kind, tmp_path, student, later)
    going = next(each for each in registry.bundles() if each.reference == reference_of(student))
    remove(registry, Plan((going,), {}, ()))
    assert [each.reference for each in registry.bundles()] == [reference_of(later)]
    names = registry.store.names("bundles") + registry.store.names("index")
    assert not [name for name in names if reference_of(student).version in name]
    assert len(names) == len(list(later.iterdir())) + 1


def test_removal_can_be_repeated(kind: str, tmp_path: Path, student: Path) -> None:
    registry = filled(kind, tmp_path, student)
    planned = Plan(tuple(registry.bundles()), {}, ("bundles/x/123456789abc",))
    remove(registry, planned)
    remove(registry, planned)
    assert registry.bundles() == []


def test_what_a_push_left_unfinished_goes_after_a_day(
    kind: str, tmp_path: Path, student: Path, later: Path
) -> None:
    registry = filled(kind, tmp_path, later)
    registry.store.put_bytes(file_name(reference_of(student), MODEL), b"of a push that was cut off")
    before_the_rename = failing(registry, 2)
    with pytest.raises(RegistryUnavailable):
        before_the_rename.store.put_bytes(file_name(reference_of(later), MODEL), b"half")
    half = f"bundles/{student.name.replace('-', '/')}"
    registry.store.put_bytes("bundles/NOT-OURS/file", b"kept")
    now_ms = time.time_ns() // 1_000_000
    assert plan(registry, Rule(keep=1), now_ms).leftovers == ()
    planned = plan(registry, Rule(keep=1), now_ms + LEFTOVER_MS + DAY_MS)
    assert half in planned.leftovers
    assert all(".tmp" in name for name in set(planned.leftovers) - {half})
    assert len(planned.leftovers) == 2
    remove(registry, planned)
    assert plan(registry, Rule(keep=1), now_ms + LEFTOVER_MS + DAY_MS).leftovers == ()
    assert [each.reference for each in registry.bundles()] == [reference_of(later)]
    assert registry.store.read("bundles/NOT-OURS/file", 10) == b"kept"


def test_entry_whose_bundle_never_came_goes_after_a_day(
    kind: str, tmp_path: Path, student: Path, later: Path
) -> None:
    registry, reference = filled(kind, tmp_path, student, later), reference_of(student)
    registry.store.remove(file_name(reference, MANIFEST))
    registry.store.remove(folder_name(reference))
    now_ms = int(time.time() * 1000)
    assert plan(registry, Rule(keep=1), now_ms).leftovers == ()
    planned = plan(registry, Rule(keep=1), now_ms + LEFTOVER_MS + 60_000)
    assert planned.leftovers == (entry_name(reference),)
    remove(registry, planned)
    assert [each.reference for each in registry.bundles()] == [reference_of(later)]
    assert not [name for name in registry.store.names("index") if reference.version in name]
