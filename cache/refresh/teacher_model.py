"""The teacher's model: in this process, or where Triton runs it."""

from pathlib import Path

from cache.errors import TeacherUnavailable
from models.providers.execution import CPU, Execution
from models.runtime import Inference, load
from models.triton.errors import TritonError
from models.triton.opening import open_model
from models.triton.patient import PatientModel


def teacher_model(
    folder: Path,
    threads: int,
    triton_url: str | None,
    timeout_s: float,
    execution: Execution = CPU,
) -> Inference:
    """Triton need not be there yet. Raises BundleError, TritonUrlInvalid, TritonClientMissing."""
    if triton_url is None:
        return load(folder, threads, execution)
    return PatientModel(open_model(folder, triton_url, timeout_s), _away)


def _away(error: TritonError) -> TeacherUnavailable:
    return TeacherUnavailable(str(error))
