"""What a registry no longer needs, and its removal."""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from models.manifest import MANIFEST
from models.registry.errors import BundleUnknown, ReferenceInvalid
from models.registry.reference import Reference
from models.registry.registry import (
    BUNDLES,
    INDEX,
    Registered,
    Registry,
    entry_name,
    file_name,
    folder_name,
)
from models.registry.store import TEMPORARY

_HALF_WRITTEN: Final = re.compile(rf"\.[\w.-]+{re.escape(TEMPORARY)}", re.ASCII)
DAY_MS: Final = 86_400_000
LEFTOVER_MS: Final = DAY_MS
"""A push that was interrupted may be taken up again for so long."""


@dataclass(frozen=True, slots=True)
class Rule:
    keep: int  # the newest of each name
    older_than_ms: int = 0
    in_use: frozenset[Reference] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    going: tuple[Registered, ...]
    kept: dict[Reference, str]  # why
    leftovers: tuple[str, ...]  # of pushes that were never finished: folders and files


def plan(registry: Registry, rule: Rule, now_ms: int) -> Plan:
    """Writes nothing. Raises BundleUnknown for a bundle in use that is not there."""
    bundles = registry.bundles()
    _check_in_use(registry, bundles, rule.in_use)
    kept = _kept(bundles, rule, now_ms)
    kept |= _their_teachers(bundles, kept)
    going = tuple(each for each in bundles if each.reference not in kept)
    return Plan(going, kept, _leftovers(registry, bundles, now_ms))


def remove(registry: Registry, plan: Plan) -> None:
    """Manifests first: a bundle that is only half there does not exist."""
    for reference, _ in plan.going:
        registry.store.remove(file_name(reference, MANIFEST))
        registry.store.remove(folder_name(reference))
        registry.store.remove(entry_name(reference))
    for name in plan.leftovers:
        registry.store.remove(name)


def _check_in_use(
    registry: Registry, bundles: Sequence[Registered], in_use: Collection[Reference]
) -> None:
    unknown = sorted(set(in_use) - {each.reference for each in bundles})
    if unknown:
        raise BundleUnknown(
            f"{registry.store} has no {', '.join(map(str, unknown))}, named as in use: nothing was "
            "removed, lest it be a slip of the pen"
        )


def _kept(bundles: Sequence[Registered], rule: Rule, now_ms: int) -> dict[Reference, str]:
    """`bundles` come by name, the newest first."""
    places: defaultdict[str, int] = defaultdict(int)
    kept = {}
    for reference, entry in bundles:
        places[reference.name] += 1
        if reference in rule.in_use:
            kept[reference] = "in use"
        elif places[reference.name] <= rule.keep:
            kept[reference] = f"among the newest {rule.keep} of its name"
        elif entry is None:
            kept[reference] = "of unknown age: its entry is missing or damaged"
        elif now_ms - entry.pushed_at_ms < rule.older_than_ms:
            kept[reference] = "not old enough"
    return kept


def _their_teachers(
    bundles: Sequence[Registered], kept: Collection[Reference]
) -> dict[Reference, str]:
    """A student without the teacher of its space can be served, and never covered."""
    readers = {
        entry.reads_space: reference
        for reference, entry in bundles
        if reference in kept and entry is not None and entry.reads_space is not None
    }
    return {
        reference: f"teacher of {readers[entry.produces_space]}"
        for reference, entry in bundles
        if entry is not None and reference not in kept and entry.produces_space in readers
    }


def _leftovers(registry: Registry, bundles: Sequence[Registered], now_ms: int) -> tuple[str, ...]:
    """Folders without a manifest, entries without a bundle, and files half written, untouched for a
    day."""
    whole = {folder_name(each.reference) for each in bundles}
    parts: defaultdict[str, list[str]] = defaultdict(list)
    for name in registry.store.names(BUNDLES):
        folder = _folder(name)
        if folder is None:
            continue
        if folder not in whole:
            parts[folder].append(name)
        elif _HALF_WRITTEN.fullmatch(PurePosixPath(name).name):
            parts[name].append(name)
    for name in registry.store.names(INDEX):
        if _HALF_WRITTEN.fullmatch(PurePosixPath(name).name) or _is_orphan(name, whole):
            parts[name].append(name)
    return tuple(left for left, names in parts.items() if _is_old(registry, names, now_ms))


def _folder(name: str) -> str | None:
    """bundles/NAME/VERSION of a file at any depth below it; None for what is not ours."""
    match name.split("/"):
        case [_, bundle, version, _, *_]:
            with suppress(ReferenceInvalid):
                return folder_name(Reference.of(bundle, version))
    return None


def _is_orphan(name: str, whole: Collection[str]) -> bool:
    """An entry of ours that has no bundle."""
    match name.split("/"):
        case [_, bundle, last]:
            with suppress(ReferenceInvalid):
                reference = Reference.of(bundle, last.removesuffix(".json"))
                return entry_name(reference) == name and folder_name(reference) not in whole
    return False


def _is_old(registry: Registry, names: Sequence[str], now_ms: int) -> bool:
    return all(now_ms - registry.store.modified_ms(name) > LEFTOVER_MS for name in names)
