"""Whether a training may begin in its folder, or go on from the last.ckpt there."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning_utilities.core.rank_zero import rank_zero_only

from lungseg.errors import TrainingError
from lungseg.options.fit import FitOptions
from lungseg.training.callbacks.last_checkpoint import LAST
from shards.console.groups import flat_values
from shards.console.limits import flag
from shards.storage.store import ShardSet

_MAY_CHANGE = (
    "shards",  # where they lie: that they are the same is checked
    "cache",
    "cache_gb",
    "out",
    "resume",
    "preset",  # what it stands for is kept
    "validate",
    "accelerator",
    "devices",
    "num_workers",
    "checkpoint_minutes",
)

_FORMERLY = {new: old for old, new in FitOptions.RENAMED.items()}


def checkpoint_to_resume(options: FitOptions, shards: ShardSet) -> Path | None:
    """The checkpoint that `--resume` asks for.

    Args:
        options: The options of the training now.
        shards: Its shards.

    Returns:
        The checkpoint; None for a training that begins.

    Raises:
        TrainingError: If a training would begin over another one, or if one that goes on has no
            checkpoint, other shards than it began with, or other options that decide the training.
    """
    last = options.run.out / LAST
    if not options.run.resume:
        _check_vacant(options.run.out)
        return None
    began = _hyper_parameters(last)
    _check_same_shards(shards, began["lungseg"]["manifest_sha256"])
    _check_same_options(options, began)
    return last


def _check_vacant(out: Path) -> None:
    """On rank 0: it may have begun to write by the time the others look."""
    if getattr(rank_zero_only, "rank", 0) == 0 and (out / LAST).exists():
        raise TrainingError(
            f"{out} holds a training already: go on with it by --resume, or choose another --out"
        )


def _hyper_parameters(last: Path) -> dict[str, Any]:
    """What the module of the training that wrote a checkpoint was made with."""
    if not zipfile.is_zipfile(last):
        found = "is no checkpoint" if last.exists() else "does not exist"
        raise TrainingError(
            f"--resume needs {last}, which {found}: leave --resume out to start a training"
        )
    try:
        content = torch.load(last, map_location="cpu", weights_only=True, mmap=True)
        began: dict[str, Any] = content["hyper_parameters"]
        began["lungseg"]["manifest_sha256"]
    except (OSError, RuntimeError, KeyError, TypeError, pickle.UnpicklingError) as error:
        what = str(error).splitlines()[0]
        raise TrainingError(
            f"--resume needs {last}, which is no checkpoint of a training ({what}): start a new "
            "training in another --out"
        ) from error
    return began


def _check_same_shards(shards: ShardSet, then: str) -> None:
    now = shards.manifest_sha256
    if now != then:
        raise TrainingError(
            f"{shards.url} has changed since the training began (manifest {now[:12]}, then "
            f"{then[:12]}): go on with the old shards, or start a new training in another --out"
        )


def _check_same_options(options: FitOptions, began: dict[str, Any]) -> None:
    for name, now in flat_values(options).items():
        then = began.get(name, began.get(_FORMERLY.get(name, name), now))
        if name not in _MAY_CHANGE and now != then:
            raise TrainingError(
                f"{flag(name)} was {then} when the training in {options.run.out} began and is "
                f"{now}: give it as it was to go on, or start a new training in another --out"
            )
