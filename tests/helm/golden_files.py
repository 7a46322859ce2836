"""Files that a flag writes anew."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.helm.charts import CHART

GOLDEN: Final = Path(__file__).with_name("golden")
SCHEMA: Final = CHART / "values.schema.json"
MARK: Final = "#### "


def write_golden(mode: str, texts: Mapping[str, str]) -> None:
    parts = [f"{MARK}{name}\n{text.strip()}\n" for name, text in texts.items()]
    (GOLDEN / f"{mode}.yaml").write_text("".join(parts), encoding="utf-8")


def read_golden(mode: str) -> dict[str, str]:
    """Text by template, stripped."""
    path = GOLDEN / f"{mode}.yaml"
    parts = ("\n" + path.read_text(encoding="utf-8")).split(f"\n{MARK}")[1:]
    named = (part.partition("\n") for part in parts)
    return {name: text.strip() for name, _, text in named}


@contextmanager
def schema_file(is_rewriting: bool) -> Iterator[dict[str, Any]]:
    """What is changed in it is kept when rewriting."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    yield schema
    if is_rewriting:
        SCHEMA.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", "utf-8")
