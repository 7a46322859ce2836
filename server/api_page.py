"""Brings the tables of docs/api.md up to date: `python -m server.api_page [PAGE]`.

A table stands under the name of its type, `<!-- RankRequest -->`, or under `<!-- routes -->`. Names
and kinds are those of the code. What a field means is taken from the page, where people write it,
and from the type where the page has nothing yet.
"""

import re
import sys
from pathlib import Path
from typing import Final

from server.api_tables import Row, described, fields, routes
from server.openapi_parts import Json

PAGE: Final = Path(__file__).parents[1] / "docs" / "api.md"
ROUTES: Final = "routes"
_TABLE: Final = re.compile(r"^<!-- (\w+) -->\n((?:\|.*\n)*)", re.MULTILINE)
_ROW: Final = re.compile(r"^\| `(.+?)` \| .* \| (.*) \|$", re.MULTILINE)


def brought_up_to_date(page: str) -> str:
    api = described()
    return _TABLE.sub(lambda found: _table(found[1], found[2], api), page)


def tables(page: str) -> set[str]:
    return {name for name, _ in _TABLE.findall(page)}


def _table(name: str, written: str, api: Json) -> str:
    meanings: dict[str, str] = dict(_ROW.findall(written))
    rows = routes(api) if name == ROUTES else fields(name, api)
    first = "route" if name == ROUTES else "field"
    second = "answers" if name == ROUTES else "type"
    lines = [f"<!-- {name} -->", f"| {first} | {second} | meaning |", "|---|---|---|"]
    lines += [_line(row, meanings.get(row.name) or row.meaning) for row in rows]
    return "\n".join(lines) + "\n"


def _line(row: Row, meaning: str) -> str:
    return f"| `{row.name}` | {row.kind} | {meaning} |"


if __name__ == "__main__":
    page = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    page.write_text(brought_up_to_date(page.read_text(encoding="utf-8")), encoding="utf-8")
