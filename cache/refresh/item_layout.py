"""How the catalogue's rows are laid out for one log schema."""

from cache.catalogue_rows import Layout
from models.schema import LogSchema, categorical, numbers


def layout_of(schema: LogSchema) -> Layout:
    return Layout(schema.fingerprint(), len(categorical(schema.item)), len(numbers(schema.item)))
