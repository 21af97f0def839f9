"""Whether this process can use the GPU that it was given."""

import os

import torch

from lungseg.errors import TrainingError

_GIVEN = ("CUDA_VISIBLE_DEVICES", "SLURM_STEP_GPUS", "SLURM_JOB_GPUS")


def check_given_gpu(accelerator: str) -> None:
    """Refuse to train on the processor where a GPU was given and nobody said otherwise.

    Args:
        accelerator: As `--accelerator` says.

    Raises:
        TrainingError: If torch cannot use it.
    """
    given = [name for name in _GIVEN if os.environ.get(name, "-1") not in ("", "-1", "NoDevFiles")]
    if accelerator == "auto" and given and not torch.cuda.is_available():
        raise TrainingError(
            f"this process was given a GPU ({given[0]}={os.environ[given[0]]}) that torch cannot "
            "use (no driver, or a torch without CUDA): mend that, or train on processors with "
            "--accelerator cpu"
        )


def check_gpu() -> None:
    """Compute something on the GPU.

    Raises:
        TrainingError: If it cannot.
    """
    if not torch.cuda.is_available():
        raise TrainingError(
            "this process was given a GPU that torch cannot use (no driver, or a torch without "
            "CUDA): mend that node, or use processors with --accelerator cpu"
        )
    try:
        torch.ones(8, device="cuda").sum().item()
    except RuntimeError as error:
        raise TrainingError(f"the GPU fails ({str(error).splitlines()[0]})") from error
