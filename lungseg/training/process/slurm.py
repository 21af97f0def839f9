"""Slurm's environment: a training takes its devices itself, wherever it is started."""

import os

from lungseg.errors import TrainingError


def check_one_task(num_devices: int | str) -> None:
    """Refuse a training that srun started several times at once.

    Args:
        num_devices: What `--devices` says.

    Raises:
        TrainingError: If this process is one of several tasks of a Slurm step.
    """
    num_tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS", "1") or "1")
    if num_tasks > 1:
        raise TrainingError(
            f"srun started {num_tasks} of this training, which starts a process for each of its "
            f"--devices ({num_devices}) itself: use srun --ntasks 1, or leave srun out"
        )
