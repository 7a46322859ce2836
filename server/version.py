"""Which version of the code this is."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version


def version() -> str:
    try:
        return installed_version("understudy")
    except PackageNotFoundError:  # run from a copied folder
        return "0"
