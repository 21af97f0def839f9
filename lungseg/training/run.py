"""One training from options to scores: checks, Lightning's trainer, and what it leaves behind."""

import dataclasses
import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from lungseg.errors import TrainingError
from lungseg.models.build import num_channels
from lungseg.models.memory_order import order_memory
from lungseg.options.fit import FitOptions
from lungseg.training.callbacks.announcement import Announcement
from lungseg.training.callbacks.best_checkpoint import BEST
from lungseg.training.callbacks.best_score import BestScore
from lungseg.training.callbacks.build import build_callbacks
from lungseg.training.callbacks.early_end import ends_in_one_line
from lungseg.training.callbacks.last_checkpoint import LAST
from lungseg.training.checkpoint_io import WholeCheckpoints
from lungseg.training.data import SliceData
from lungseg.training.log.loggers import further_loggers, tensorboard
from lungseg.training.machine.compiled import compile_net
from lungseg.training.machine.cost import Cost, check_memory, step_cost
from lungseg.training.module import LungSegmenter
from lungseg.training.process.first_rank import of_first_rank
from lungseg.training.process.gpu import check_given_gpu
from lungseg.training.process.world import World, world_of
from lungseg.training.resume import checkpoint_to_resume, load_weights
from lungseg.training.trainer import build_trainer, quiet_lightning
from shards.console.command import save_config
from shards.console.groups import flat_values, replaced
from shards.console.whole import write_json
from shards.storage.store import ShardSet, open_shards
from shards.storage.target import locked, open_target

RESULT = "result.json"

logger = logging.getLogger(__name__)


def fit(
    options: FitOptions, *, callbacks: Sequence[Callback] = (), world: World | None = None
) -> dict[str, Any] | None:
    """Train as the options say.

    Args:
        options: The options.
        callbacks: Further Lightning callbacks, for example a search's report.
        world: Who trains together; by default whom the options and the launcher say.

    Returns:
        The scores of the best epoch with their definition, grid, threshold and n, and the
        checkpoint's path; None on ranks other than 0.

    Raises:
        TrainingError: If the training cannot start or go on.
        SystemExit: If SIGTERM or SIGUSR1 ended it, with 128 and the signal's number.
        KeyboardInterrupt: If Ctrl-C did.
        shards.errors.ShardError: If the shards cannot be read.
    """
    world = world or world_of(options.run)
    check_given_gpu(options.machine.accelerator)
    quiet_lightning()
    shards, options = open_training(options)
    out = options.run.out
    checkpoint = checkpoint_to_resume(options, shards)
    data = SliceData(shards, options)
    pl.seed_everything(options.step.seed, verbose=False)
    module = LungSegmenter(options, data)
    if options.run.init_from is not None and checkpoint is None:
        load_weights(module, options.run.init_from, option="--init-from")
    best = BestScore(out / RESULT, _passport(options, data))
    checkpoint_io = WholeCheckpoints()
    trainer = build_trainer(
        options,
        [*build_callbacks(options, data, best, world), *callbacks],
        loggers=[tensorboard(out), *further_loggers(options, goes_on=checkpoint is not None)],
        world=world,
        checkpoint_io=checkpoint_io,
    )
    if _met(trainer, world):
        checkpoint = of_first_rank(checkpoint)  # which storage may not show to other nodes yet
    order_memory(module.net, flat_values(options), trainer.strategy.root_device)
    if options.machine.compile:
        compile_net(module.net, trainer.strategy.root_device)
    cost = _affordable_cost(module, data, trainer, options, world)
    trainer.callbacks.insert(0, Announcement(data, cost))  # type: ignore[attr-defined]
    with _held(trainer, out, world), ends_in_one_line(trainer, world, last=out / LAST):
        if trainer.is_global_zero:
            out.mkdir(parents=True, exist_ok=True)
            save_config(replaced(options, resume=False), out / "config.yaml")
        trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
    if not trainer.is_global_zero:
        return None
    if trainer.should_stop:
        logger.info(
            "no better Dice in %d validations: the training ends after epoch %d of %d",
            *(options.validation.patience, trainer.current_epoch, options.step.epochs),
        )
    if checkpoint_io.failed:
        raise TrainingError(f"{checkpoint_io.failed}: make room and go on with --resume")
    return _result(best, options, trainer)


def validate(
    options: FitOptions, checkpoint: Path, *, world: World | None = None
) -> dict[str, Any] | None:
    """Score a checkpoint on the validation cases; the number of devices does not change a bit.

    Args:
        options: The options of the training that made the checkpoint.
        checkpoint: The checkpoint.
        world: As in `fit`.

    Returns:
        As `fit`; None on ranks other than 0.

    Raises:
        TrainingError: If the checkpoint is none of such a training.
    """
    world = world or world_of(options.run)
    check_given_gpu(options.machine.accelerator)
    quiet_lightning()
    shards, options = open_training(options)
    data = SliceData(shards, options)
    module = LungSegmenter(options, data)
    trainer = build_trainer(
        options,
        [],
        loggers=[tensorboard(options.run.out)],
        world=world,
        checkpoint_io=WholeCheckpoints(),
    )
    load_weights(module, checkpoint, option="--validate")
    _met(trainer, world)
    with ends_in_one_line(trainer, world):
        trainer.validate(module, data, verbose=False)
    if not trainer.is_global_zero:
        return None
    scores = module.scores | _passport(options, data) | {"checkpoint": str(checkpoint)}
    options.run.out.mkdir(parents=True, exist_ok=True)
    write_json(options.run.out / "validation.json", scores)
    return scores


def _affordable_cost(
    module: LungSegmenter,
    data: SliceData,
    trainer: pl.Trainer,
    options: FitOptions,
    world: World,
) -> Cost | None:
    """What a step costs a process; refuses one that the memory does not hold."""
    num_parts = options.machine.accumulate
    share = -(-options.step.batch_size // (trainer.world_size * num_parts))
    shape = (share, num_channels(flat_values(options)), *data.training_shape)
    cost = step_cost(module.net, shape, half=trainer.precision != "32-true")
    if cost is not None:
        device = trainer.strategy.root_device
        check_memory(cost.num_bytes, device, num_processes=world.here or trainer.num_devices)
        cost = dataclasses.replace(cost, flops=cost.flops * num_parts)
    return cost


def open_training(options: FitOptions) -> tuple[ShardSet, FitOptions]:
    """The shards, and the options without a secret of their URL: files of the run keep those."""
    limit = None if options.data.cache_gb is None else int(options.data.cache_gb * 1e9)
    shards = open_shards(options.data.shards, cache=options.data.cache, cache_bytes=limit)
    return shards, replaced(options, shards=shards.url)


def _held(trainer: pl.Trainer, out: Path, world: World) -> AbstractContextManager[None]:
    """Keep other trainings out of the folder, where no rank of this one may still be elsewhere."""
    if trainer.is_global_zero and world.of_this_command:
        return locked(open_target(str(out)))
    return nullcontext()


def _met(trainer: pl.Trainer, world: World) -> bool:
    """Whether the ranks are there by themselves, and have met; Lightning will find it done."""
    there = world.launched or world.nodes > 1
    if there:
        trainer.strategy.setup_environment()
    return there


def _result(best: BestScore, options: FitOptions, trainer: pl.Trainer) -> dict[str, Any]:
    """What a training that has ended gives back, and keeps in result.json."""
    ended = {"epochs": trainer.current_epoch}
    if options.validation.fold == "none":
        return {"checkpoint": str(options.run.out / LAST), **ended}
    result = {**(best.best or {}), **ended, "ended_early": trainer.should_stop}
    write_json(options.run.out / RESULT, result)
    return result | {"checkpoint": str(options.run.out / BEST)}


def _passport(options: FitOptions, data: SliceData) -> dict[str, Any]:
    height, width = data.shards.manifest.slice_shape
    return {
        "grid": f"model: the slices in the shards, {height} x {width} pixels",
        "threshold": options.validation.threshold,
        "fold": None if options.validation.validation_cases else options.validation.fold,
        "folds_from": _folds_from(options, data),
    }


def _folds_from(options: FitOptions, data: SliceData) -> str:
    file = options.validation.folds_file
    return file.name if file else data.shards.manifest.folds_from
