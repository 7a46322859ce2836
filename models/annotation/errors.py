"""What can be wrong with the annotation of several logs.

AnnotationError
├── LogsUnlike          logs that cannot be read as one, or not by this teacher
├── AnnotationsRefused  what is there was made of something else than what was asked for
└── AnnotationsInvalid  a folder holds no annotations, or a file of it is damaged
"""

from models.training.errors import TrainingError


class AnnotationError(TrainingError):
    pass


class LogsUnlike(AnnotationError):
    pass


class AnnotationsRefused(AnnotationError):
    pass


class AnnotationsInvalid(AnnotationError):
    pass
