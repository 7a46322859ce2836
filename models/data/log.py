"""The one log format: a folder of Parquet tables and a head. docs/data.md describes it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

import polars as pl
from pydantic import Field, ValidationError

from models.data.errors import LogUnreadable
from models.data.periods import Periods
from models.data.validation import Tables, check
from models.schema import Frozen, LogSchema

HEAD: Final = "log.json"
MAX_HEAD_BYTES: Final = 4 << 20


class Head(Frozen):
    format_version: Literal[1] = 1
    log_schema: LogSchema
    periods: Periods
    provenance: str = Field(max_length=10_000)


@dataclass(frozen=True, slots=True)
class Log:
    """Impressions in time order with the item and user tables that they refer to.

    `requests`, where it is there, holds the whole list of candidates that a request offered;
    elsewhere the items shown stand for it.
    """

    schema: LogSchema
    periods: Periods
    provenance: str
    impressions: pl.DataFrame
    items: pl.DataFrame
    users: pl.DataFrame
    requests: pl.DataFrame | None = None

    def validate(self) -> Self:
        """Raises LogInvalid at the first rule of the format that is broken."""
        tables = Tables(self.impressions, self.items, self.users, self.requests)
        check(self.schema, self.periods, tables)
        return self

    def write(self, folder: Path) -> None:
        """Writes a valid log; raises LogInvalid rather than write another."""
        self.validate()
        folder.mkdir(parents=True, exist_ok=True)
        self.impressions.write_parquet(folder / "impressions.parquet")
        self.items.write_parquet(folder / "items.parquet")
        self.users.write_parquet(folder / "users.parquet")
        (folder / "requests.parquet").unlink(missing_ok=True)
        if self.requests is not None:
            self.requests.write_parquet(folder / "requests.parquet")
        head = Head(log_schema=self.schema, periods=self.periods, provenance=self.provenance)
        (folder / HEAD).write_text(json.dumps(head.model_dump(mode="json"), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises LogUnreadable or LogInvalid."""
        return cls.load(folder).validate()

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Without a look at the rows. Raises LogUnreadable."""
        head = _head(folder / HEAD)
        has_requests = (folder / "requests.parquet").exists()
        return cls(
            schema=head.log_schema,
            periods=head.periods,
            provenance=head.provenance,
            impressions=_table(folder / "impressions.parquet"),
            items=_table(folder / "items.parquet"),
            users=_table(folder / "users.parquet"),
            requests=_table(folder / "requests.parquet") if has_requests else None,
        )


def _head(path: Path) -> Head:
    try:
        if path.stat().st_size > MAX_HEAD_BYTES:
            raise LogUnreadable(f"{path} is larger than {MAX_HEAD_BYTES} bytes: not a log's head")
        return Head.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise LogUnreadable(f"{path} is not the head of a log: {error}") from error


def _table(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise LogUnreadable(f"{path} is not a readable Parquet table: {error}") from error
