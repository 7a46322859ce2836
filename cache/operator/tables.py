"""Reports for a terminal."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from cache.operator.server_report import ServerReport
from cache.operator.space_scan import SpaceReport
from cache.operator.user_report import PageReport, RecordReport, UserReport

UNITS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))


def server_tables(report: ServerReport) -> list[Group]:
    most = decimal(report.memory_max_bytes) if report.memory_max_bytes else "no bound"
    server = _facts(
        "server",
        {
            "version": report.version,
            "keys": f"{report.keys:,}",
            "memory": f"{decimal(report.memory_used_bytes)} of {most}",
            "past it": report.eviction_policy,
            "evicted": f"{report.evicted_keys:,}",
            "expired": f"{report.expired_keys:,}",
        },
    )
    rows = [
        [each.name, f"{each.length:,}", _joined(group.name for group in each.groups),
         str(sum(group.consumers for group in each.groups)), f"{each.pending:,}"]
        for each in report.streams
    ]  # fmt: skip
    streams = _table("streams", ["stream", "messages", "groups", "consumers", "pending"], rows)
    letters = _table("newest dead letters", ["reason"], [[why] for why in report.dead_letters])
    return [server, streams, letters] if report.dead_letters else [server, streams]


def spaces_table(spaces: Sequence[SpaceReport], now_ms: int) -> Group:
    head = ["space", "pages", "about", "newest", "oldest", "damaged", "backlog", "pending",
            "lent to", "about", "items"]  # fmt: skip
    rows = [
        [
            each.space,
            f"{each.pages:,}",
            decimal(each.estimated_bytes),
            _since(each.newest_entry_ms, now_ms),
            _since(each.oldest_entry_ms, now_ms),
            f"{each.damaged_pages} of {each.sampled_pages}",
            "-" if each.demand_backlog is None else f"{each.demand_backlog:,}",
            f"{each.demand_pending:,}",
            f"{each.lent_values:,}",
            decimal(each.lent_bytes),
            f"{each.said_items:,}",
        ]
        for each in spaces
    ]
    return _table("spaces; sizes, ages and damage of the sampled pages", head, rows)


def user_tables(report: UserReport, now_ms: int) -> list[Group]:
    pages = [_page(each, "page") for each in report.pages]
    lent = [_page(each, "lent by neighbours") for each in report.lent]
    return [_record(report.user_id, report.record, now_ms), *pages, *lent]


def _record(user_id: str, held: RecordReport | None, now_ms: int) -> Group:
    title = f"record of {user_id}"
    if held is None:
        return _facts(title, {"record": "none"})
    facts = held.facts
    if facts is None:
        return _facts(title, {"bytes": f"{held.value_bytes:,}", "damaged": held.damaged or ""})
    return _facts(
        title,
        {
            "bytes": f"{held.value_bytes:,}",
            "version, fence": f"{facts.version}, {facts.fence}",
            "log schema": facts.schema_fingerprint,
            "counted": _since(facts.counters_at_ms or None, now_ms),
            "counters": ", ".join(f"{counter:.2f}" for counter in facts.counters),
            "columns": f"{facts.columns} categorical, {facts.numbers} numeric",
            "events": f"{facts.events}, the newest {_since(facts.newest_event_ms, now_ms)}",
            "event ids": str(facts.event_ids),
        },
    )


def _page(held: PageReport, what: str) -> Group:
    title = f"{what} in {held.space}"
    sizes = {"bytes": f"{held.value_bytes:,}", "expires in": _age(held.expires_in_s)}
    if held.facts is None:
        return _facts(title, sizes | {"damaged": held.damaged or ""})
    facts = held.facts
    ages = ", ".join(f"{name} {_age(age_s)}" for name, age_s in facts.entry_age_s.items())
    return _facts(
        title,
        sizes
        | {
            "version, fence": f"{facts.version}, {facts.fence}",
            "z": f"{facts.precision}, width {facts.dim}, {facts.tasks} tasks",
            "entries": str(facts.entries),
            "their ages": ages or "-",
            "user's mean": f"of {facts.aggregate_pairs} pairs, age {_age(facts.aggregate_age_s)}",
            "sequence": f"{facts.sequence}, the newest {_age(facts.sequence_newest_age_s)} old",
        },
    )


def _facts(title: str, facts: Mapping[str, str]) -> Group:
    table = Table(show_header=False)
    for name, value in facts.items():
        table.add_row(name, _plain(value))
    return Group(_plain(title), table)


def _table(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> Group:
    table = Table(*head)
    for row in rows:
        table.add_row(*map(_plain, row))
    return Group(_plain(title), table)


def _plain(text: str) -> Text:
    """Ids and reasons are others' words: no markup, no control codes, no half characters."""
    return Text(text.encode(errors="replace").decode())


def _joined(names: Iterable[str]) -> str:
    return ", ".join(names) or "-"


def _since(at_ms: int | None, now_ms: int) -> str:
    return "-" if at_ms is None else f"{_age((now_ms - at_ms) / 1000.0)} ago"


def _age(age_s: float | None) -> str:
    if age_s is None:
        return "-"
    for unit_s, name in UNITS:
        if abs(age_s) >= unit_s:
            return f"{age_s / unit_s:.1f} {name}"
    return f"{age_s:.1f} s"
