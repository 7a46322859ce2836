"""What can be wrong with a training run; the message names the thing, the value and the remedy.

TrainingError
├── RunFolderInvalid   the folder holds no run, or lacks a part that was asked of it
├── CheckpointInvalid  a model file is missing, damaged, or does not fit its config
├── RunRefused         what is in the folder was made on other terms than those asked for
├── PlacementRefused   this machine has not the device or the precision asked for
└── WorkersFailed      one of several training processes ended early
"""


class TrainingError(Exception):
    pass


class RunFolderInvalid(TrainingError):
    pass


class CheckpointInvalid(TrainingError):
    pass


class RunRefused(TrainingError):
    pass


class PlacementRefused(TrainingError):
    pass


class WorkersFailed(TrainingError):
    pass
