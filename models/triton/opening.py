"""A URL of Triton becomes a model: tritonclient, an extra, is imported here and not before."""

from pathlib import Path
from typing import TYPE_CHECKING

from models.manifest import Bundle
from models.triton.address import Address
from models.triton.errors import TritonClientMissing

if TYPE_CHECKING:
    from models.triton.model import TritonModel


def open_model(folder: Path, url: str, timeout_s: float) -> "TritonModel":
    """Verifies the folder and asks nothing of Triton yet.

    Raises TritonUrlInvalid, TritonClientMissing, BundleError.
    """
    address = Address.parse(url)
    try:
        from models.triton.model import TritonModel
    except ModuleNotFoundError as error:
        raise TritonClientMissing(
            f"{url} needs {error.name}, which is not installed here: "
            "pip install 'understudy[triton]'"
        ) from error
    return TritonModel(Bundle.verified(folder), address, timeout_s)
