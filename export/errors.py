"""What stops an export.

ExportError
├── RunInvalid          the run folder lacks a checkpoint or its record, or they do not fit together
├── ParityFailed        ONNX Runtime and torch disagree by more than the tolerance
├── QuantisingCosts     smaller numbers cost more on the test window than they may
├── ValueOptionInvalid  --value is no formula
├── ModelExists         the model repository has a model of that name
└── OptionsConflict     TensorRT is asked of a backend that has none
"""


class ExportError(Exception):
    """Nothing was written; the message names the file or figure and the remedy."""


class RunInvalid(ExportError):
    pass


class ParityFailed(ExportError):
    pass


class QuantisingCosts(ExportError):
    pass


class ValueOptionInvalid(ExportError):
    pass


class ModelExists(ExportError):
    pass


class OptionsConflict(ExportError):
    pass
