"""Whether this process can use the GPU that it was given."""

import torch

from lungseg.errors import TrainingError


def check_gpu() -> None:
    """Compute something on the GPU.

    Raises:
        TrainingError: If it cannot.
    """
    if not torch.cuda.is_available():
        raise TrainingError(
            "this process was given a GPU that torch cannot use (no driver, or a torch without "
            "CUDA): mend that node, or search on processors with --accelerator cpu"
        )
    try:
        torch.ones(8, device="cuda").sum().item()
    except RuntimeError as error:
        raise TrainingError(f"the GPU fails ({str(error).splitlines()[0]})") from error
