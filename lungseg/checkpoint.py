"""The content of a checkpoint file, or one error, however the file is damaged."""

from pathlib import Path
from typing import Any

import torch


class NoCheckpointError(Exception):
    """A file is no checkpoint; the message says what is wrong with it, in a few words."""


def read_checkpoint(path: Path, *, mmap: bool = False) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; no code in the file is run.

    Args:
        path: The file.
        mmap: Leave its weights on the disk until they are used.

    Returns:
        What was saved by name.

    Raises:
        NoCheckpointError: If it cannot be read, or holds something else.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except Exception as error:  # what a damaged pickle raises has no end
        what = (str(error).splitlines() or [""])[0]
        if "Weights only load failed" in what:  # torch's own advice is to run that code
            what = "it holds more than numbers, text and tensors, and code in it is never run"
        raise NoCheckpointError(what or type(error).__name__) from error
    if not isinstance(content, dict):
        raise NoCheckpointError(f"it holds a {type(content).__name__}")
    return content
