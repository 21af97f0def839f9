"""A checkpoint with another threshold and rules, and why it has them."""

from pathlib import Path
from typing import Any

import torch

from lungseg.calibration.setting import Setting
from lungseg.checkpoint import checkpoint_here, read_checkpoint
from shards.console.errors import KnownError
from shards.console.whole import whole_or_nothing


class NewCheckpointError(KnownError):
    """A checkpoint cannot be written."""


def refuse_to_replace(out: Path, checkpoint: Path, *, overwrite: bool) -> None:
    """Refuse a place that holds something, before any work.

    Raises:
        NewCheckpointError: Says what lies there.
    """
    if out.resolve() == checkpoint.resolve():
        raise NewCheckpointError(f"--out {out} is the checkpoint itself: choose another name")
    if out.is_dir():
        raise NewCheckpointError(f"--out must be a file, {out} is a folder: add a name to it")
    if out.exists() and not overwrite:
        raise NewCheckpointError(
            f"{out} would be replaced: choose another --out, or add --overwrite"
        )


def write_new(checkpoint: Path, out: Path, setting: Setting, decision: dict[str, Any]) -> None:
    """Write a copy of a checkpoint with a setting; its weights are the same.

    Args:
        checkpoint: One that was loaded before.
        out: The copy.
        setting: The setting.
        decision: Plain data: how it came about.

    Raises:
        NewCheckpointError: If it cannot be written.
    """
    with checkpoint_here(checkpoint) as here:
        content = read_checkpoint(here)
    ours = content["hyper_parameters"]["lungseg"]
    ours["threshold"] = setting.threshold
    ours["decision"] = {**decision, "rules": setting.rules.to_dict()}
    try:
        with whole_or_nothing(out, durable=True) as unfinished, unfinished.open("wb") as file:
            torch.save(content, file)
    except (OSError, RuntimeError) as error:
        what = str(error).splitlines()[0]
        raise NewCheckpointError(f"--out {out} cannot be written ({what}): make room") from error
