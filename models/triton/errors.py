"""What Triton can do wrong.

TritonError
├── TritonUnavailable   nothing answers there, or the model is not loaded
├── TritonTimeout       no answer in the time that was given
├── TritonRefused       it answered with an error: of this request, or of the model
└── TritonAnswerInvalid the answer is not what the manifest declares
TritonUrlInvalid        (a ValueError) the address is not one of a model at Triton
TritonClientMissing     (a BundleError) tritonclient is not installed
TritonMismatch          (a BundleError) another model than the bundle's is loaded under that name
"""

from models.manifest import BundleError


class TritonError(Exception):
    """A run at Triton that gave no answer to use."""


class TritonUnavailable(TritonError):
    pass


class TritonTimeout(TritonError):
    pass


class TritonRefused(TritonError):
    pass


class TritonAnswerInvalid(TritonError):
    pass


class TritonUrlInvalid(ValueError):
    pass


class TritonClientMissing(BundleError):
    pass


class TritonMismatch(BundleError):
    pass
