"""Whether a training may begin in its folder, or go on from the last.ckpt there."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from lungseg.checkpoint import NoCheckpointError, checkpoint_here, read_checkpoint
from lungseg.errors import TrainingError
from lungseg.options.fit import FitOptions
from lungseg.options.net import NetOptions
from lungseg.training.callbacks.best_checkpoint import BEST
from lungseg.training.callbacks.last_checkpoint import LAST
from lungseg.training.process.first_rank import is_first_rank
from lungseg.training.slice_weights import fingerprint, weights_of
from lungseg.training.split import split_cases
from shards.console.groups import flat_values, names_of
from shards.console.limits import flag
from shards.console.words import in_a_line, some
from shards.storage.store import ShardSet
from shards.storage.working_copy import shown

logger = logging.getLogger(__name__)

_MAY_CHANGE = (
    "epochs",  # that there are not fewer is checked
    "shards",  # where they lie: that they are the same is checked
    "slice_weights",  # that they are the same is checked
    "folds_file",  # that the same cases validate is checked
    "cache",
    "cache_gb",
    "out",
    "resume",
    "logger",
    "preset",  # what it stands for is kept
    "validate",
    "accelerator",
    "devices",
    "nodes",
    "address",
    "num_workers",
    "channels_last",
    "compile",
    "accumulate",
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
    out = options.run.out
    if not options.run.resume:
        check_vacant(out)
        return None
    if options.run.resume == "auto" and not any((out / name).exists() for name in (LAST, BEST)):
        return None
    checkpoint, content = _last_whole(out)
    began = content["hyper_parameters"]
    _check_same_shards(shards, began["lungseg"]["manifest_sha256"])
    _check_same_options(options, began)
    _check_same_cases(options, shards, began["lungseg"]["validation_cases"])
    _check_same_weights(options, shards, began["lungseg"].get("slice_weights_sha256"))
    _check_epochs(options, began, content.get("SliceData", {}).get("epoch", 0))
    return checkpoint


def load_weights(module: nn.Module, checkpoint: Path, *, option: str) -> None:
    """Give a module the weights of a checkpoint.

    Args:
        module: The module.
        checkpoint: The checkpoint.
        option: What names it on the command line.

    Raises:
        TrainingError: If it is none, or one of another net.
    """
    try:
        with checkpoint_here(checkpoint) as here:
            content = read_checkpoint(here)
    except NoCheckpointError as error:
        raise TrainingError(
            f"{option} {shown(checkpoint)} is no checkpoint ({error}): give the best.ckpt that "
            "`python -m lungseg.fit` wrote"
        ) from error
    try:
        module.load_state_dict(content["state_dict"])
    except (RuntimeError, KeyError, TypeError, AttributeError) as error:
        what = _other_net(module, content) or in_a_line(error)
        raise TrainingError(
            f"{option} {shown(checkpoint)} is no checkpoint of a training with these options "
            f"({what}): give its best.ckpt, and its config.yaml as --config"
        ) from error


def _other_net(module: nn.Module, content: Mapping[str, Any]) -> str:
    """The options of the net that are others than those of a checkpoint; empty for none."""
    then: Mapping[str, Any] = content.get("hyper_parameters", {})
    now: Mapping[str, Any] = getattr(module, "hparams", {})
    names = [*names_of(NetOptions), "neighbors", "hu_window"]
    return ", ".join(
        f"{flag(name)} was {then[name]} there and is {now[name]} here"
        for name in names
        if name in then and name in now and then[name] != now[name]
    )


def check_vacant(out: Path) -> None:
    """Refuse to begin over a training; on rank 0, which may have written by when others look.

    Args:
        out: Folder of the run.

    Raises:
        TrainingError: If it holds one.
    """
    if is_first_rank() and (out / LAST).exists():
        raise TrainingError(
            f"{out} holds a training already: go on with it by --resume, or choose another --out"
        )


def _last_whole(out: Path) -> tuple[Path, dict[str, Any]]:
    """The last checkpoint, or where it is torn the best one, and what it holds."""
    reasons = []
    for path in (out / LAST, out / BEST):
        try:
            content = _content(path)
        except (OSError, RuntimeError, TypeError, NoCheckpointError) as error:
            reasons.append(f"{path}, which {str(error).splitlines()[0]}")
            continue
        if reasons:
            logger.warning("%s: going on from %s", reasons[0].replace(", which", ""), path)
        return path, content
    raise TrainingError(
        f"--resume needs {reasons[0]}, and there is no whole {BEST} either: leave --resume out to "
        "start a training in another --out"
    )


def _content(path: Path) -> dict[str, Any]:
    """What a checkpoint holds; raises what says why it is none."""
    if not path.exists():
        raise FileNotFoundError("does not exist")
    try:
        content = read_checkpoint(path, mmap=True)
    except NoCheckpointError as error:
        raise NoCheckpointError(f"is no checkpoint ({error})") from error
    if "lungseg" not in content.get("hyper_parameters", {}):
        raise NoCheckpointError("is no checkpoint of a training")
    return content


def _check_epochs(options: FitOptions, began: dict[str, Any], done: int) -> None:
    """More epochs may follow; say what becomes of the learning rate."""
    then, now = began["epochs"], options.step.epochs
    if now < done:
        raise TrainingError(
            f"--epochs {now} are fewer than the {done} that the training in {options.run.out} has "
            "had: give as many, or more"
        )
    if now != then and is_first_rank():
        stays = options.step.schedule == "constant"
        rest = "stays" if stays else f"follows the {options.step.schedule} of all {now} from here"
        logger.info("--epochs was %d and is %d: the learning rate %s", then, now, rest)


def _check_same_shards(shards: ShardSet, then: str) -> None:
    now = shards.manifest_sha256
    if now != then:
        raise TrainingError(
            f"{shards.url} has changed since the training began (manifest {now[:12]}, then "
            f"{then[:12]}): go on with the old shards, or start a new training in another --out"
        )


def _check_same_cases(options: FitOptions, shards: ShardSet, then: Sequence[str]) -> None:
    """Files that name cases may have changed."""
    now = {shards.index.cases[case] for case in split_cases(shards, options.validation).validation}
    if now != set(then):
        raise TrainingError(
            f"other cases validate than when the training in {options.run.out} began "
            f"({some(sorted(now ^ set(then)))}): name the same to go on, or start a new training "
            "in another --out"
        )


def _check_same_weights(options: FitOptions, shards: ShardSet, then: str | None) -> None:
    """The file of the weights may have been moved, or written anew."""
    file = options.draw.slice_weights
    if fingerprint(weights_of(shards.index, file)) != then:
        raise TrainingError(
            f"--slice-weights {file} weighs slices otherwise than when the "
            f"training in {options.run.out} began: give the same weights to go on, or start a new "
            "training in another --out"
        )


def _check_same_options(options: FitOptions, began: dict[str, Any]) -> None:
    for name, now in flat_values(options).items():
        earlier = options.EARLIER.get(name, now)
        then = began.get(name, began.get(_FORMERLY.get(name, name), earlier))
        if name not in _MAY_CHANGE and now != then:
            raise TrainingError(
                f"{flag(name)} was {then} when the training in {options.run.out} began and is "
                f"{now}: give it as it was to go on, or start a new training in another --out"
            )
