"""Bundles for a terminal. What a store says is others' words: no markup, no control codes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from export.registry.comparison import Row, Value, period, utc
from export.registry.latency import Compared, Latency
from export.registry.retention import Plan
from models.manifest import Manifest
from models.registry.entry import Entry
from models.registry.reference import Reference
from models.registry.registry import Registered

HEADLINES: Final = ("auc", "log_loss", "calibration_ratio", "transfer_ratio")


def list_table(bundles: Sequence[Registered]) -> Table:
    head = ["bundle", "size", "pushed", "by", "signed", "message"]
    return _table(None, head, ([str(name), *_told(entry)] for name, entry in bundles))


def _told(entry: Entry | None) -> list[str]:
    if entry is None:
        return ["?", "?", "?", "?", "entry missing or damaged: push again"]
    return [
        decimal(entry.size_bytes),
        utc(entry.pushed_at_ms),
        entry.pushed_by,
        entry.signed_by or "no",
        entry.message,
    ]


def show_tables(reference: Reference, entry: Entry | None, manifest: Manifest) -> list[Table]:
    facts = {
        "role": manifest.role,
        "tasks": ", ".join(manifest.tasks),
        "reads space": manifest.reads_space or "-",
        "produces space": manifest.produces_space or "-",
        "trained on": period(manifest.trained_on),
        "parity": f"{max(manifest.parity.max_abs_error.values()):.1e} against torch",
    }
    files = [[name, decimal(each.size_bytes), each.sha256] for name, each in manifest.files.items()]
    tables = [
        _facts(str(reference), facts | _entry_facts(entry)),
        _table("files", ["file", "size", "sha256"], files),
    ]
    return [*tables, _quality(manifest)] if manifest.metrics else tables


def _entry_facts(entry: Entry | None) -> dict[str, str]:
    if entry is None:
        return {"entry": "missing or damaged: push again"}
    return {
        "pushed": f"{utc(entry.pushed_at_ms)} by {entry.pushed_by}",
        "message": entry.message or "-",
        "signed by": entry.signed_by or "nobody",
    }


def _quality(manifest: Manifest) -> Table:
    rows = (
        [measured, *(_value(values.get(name)) for name in HEADLINES)]
        for measured, values in manifest.metrics.items()
    )
    return _table("quality", ["on the test window", *HEADLINES], rows)


def diff_tables(rows: Sequence[Row]) -> Iterator[Table]:
    """One a group. `rows` come by group."""
    for group, fields in groupby(rows, key=lambda row: row.group):
        lines = ([row.field, _value(row.a), _value(row.b), _change(row)] for row in fields)
        yield _table(group, ["", "a", "b", "b - a"], lines)


def is_headline(row: Row) -> bool:
    """Of quality, what decides; the rest is for --all and --json."""
    return row.group != "quality" or row.field.rpartition(" ")[2] in HEADLINES


def _change(row: Row) -> str:
    if isinstance(row.a, str) or isinstance(row.b, str) or row.a is None or row.b is None:
        return ""
    return f"{row.b - row.a:+.6g}"


def latency_table(compared: Compared) -> Table:
    rows = [_latency_row("a", compared.a), _latency_row("b", compared.b)]
    ratios = ["b / a", "", f"{compared.ratio_p50:.2f}", f"{compared.ratio_p99:.2f}"]
    title = f"latency of {compared.runs} runs in turn, one thread"
    return _table(title, ["", "candidates", "p50 ms", "p99 ms"], [*rows, ratios])


def _latency_row(name: str, latency: Latency) -> list[str]:
    return [name, str(latency.rows), f"{latency.p50_ms:.3f}", f"{latency.p99_ms:.3f}"]


def gc_table(plan: Plan) -> Table:
    going = ([str(each.reference), "goes", _pushed(each.entry)] for each in plan.going)
    left = ([name, "goes", "was never finished"] for name in plan.leftovers)
    kept = ([str(reference), "stays", why] for reference, why in plan.kept.items())
    return _table(None, ["bundle", "", "why"], [*going, *left, *kept])


def _pushed(entry: Entry | None) -> str:
    return "" if entry is None else f"pushed {utc(entry.pushed_at_ms)}"


def _value(value: Value) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _facts(title: str, facts: Mapping[str, str]) -> Table:
    table = Table(title=_plain(title), title_justify="left", show_header=False)
    for name, value in facts.items():
        table.add_row(name, _plain(value))
    return table


def _table(title: str | None, head: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    table = Table(title=title and _plain(title), title_justify="left")
    for place, column in enumerate(head):
        table.add_column(_plain(column), no_wrap=place == 0)
    for row in rows:
        table.add_row(*map(_plain, row))
    return table


def _plain(text: str) -> Text:
    return Text("".join(each if each.isprintable() else "?" for each in text), overflow="fold")
