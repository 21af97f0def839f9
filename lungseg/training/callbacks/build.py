"""All that happens beside a training, in the order in which it must."""

from pytorch_lightning.callbacks import Callback, EarlyStopping

from lungseg.options.fit import FitOptions
from lungseg.training.callbacks.best_checkpoint import BestCheckpoint
from lungseg.training.callbacks.best_score import BestScore
from lungseg.training.callbacks.end_together import EndTogether
from lungseg.training.callbacks.epoch_loss import EpochLoss
from lungseg.training.callbacks.last_checkpoint import (
    LAST,
    LastCheckpoint,
    LastCheckpointInsideEpoch,
)
from lungseg.training.callbacks.moving_average import MovingAverage
from lungseg.training.callbacks.progress import progress_bar
from lungseg.training.callbacks.throughput import Throughput
from lungseg.training.data import SliceData
from lungseg.training.log.case_table import CaseTable
from lungseg.training.log.curves import Curves
from lungseg.training.log.epoch_table import EpochTable
from lungseg.training.log.run_page import RunPage
from lungseg.training.log.slice_pictures import SlicePictures
from lungseg.training.process.world import World
from lungseg.training.validate_every import ValidateEvery


def build_callbacks(
    options: FitOptions, data: SliceData, best: BestScore, world: World
) -> list[Callback]:
    """The callbacks of a training; averaging comes first, what ends it comes last."""
    out = options.run.out
    return [
        *([] if options.step.ema is None else [MovingAverage(options.step.ema)]),
        ValidateEvery(options.run.validate_every),
        EpochLoss(),
        progress_bar(),
        Throughput(options.step.batch_size),
        EpochTable(out / "metrics.csv"),
        Curves(out / "metrics.csv", out / "curves.png"),
        *([] if options.validation.fold == "none" else _after_validation(options, data, best)),
        RunPage(options, data, best),
        LastCheckpoint(out),
        LastCheckpointInsideEpoch(out, minutes=options.machine.checkpoint_minutes),
        EndTogether(
            out / LAST,
            lost=out / "lost-batch.json",
            names=data.names,
            lr=options.step.lr,
            asked=world.asked,
        ),
    ]


def _after_validation(options: FitOptions, data: SliceData, best: BestScore) -> list[Callback]:
    out, patience = options.run.out, options.validation.patience
    early = EarlyStopping(BestCheckpoint.MONITOR, mode="max", patience=patience or 0)
    return [
        CaseTable(out / "cases.csv"),
        SlicePictures(out / "pictures", data, threshold=options.validation.threshold),
        best,
        BestCheckpoint(out),
        *([] if patience is None else [early]),
    ]
