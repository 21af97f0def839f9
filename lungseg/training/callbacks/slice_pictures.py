"""Pictures of fixed validation slices with both outlines, drawn every epoch."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger

from lungseg.report.pictures import outline_picture, png_bytes
from lungseg.training.batches import Batch
from lungseg.training.data import SliceData
from shards.storage.store import ShardSet

_NUM_PICTURES = 8


class SlicePictures(Callback):
    """Draws fixed validation slices with the outlines of truth and prediction, every epoch.

    They are the slices with the most tumor of up to eight validation cases; each rank draws those
    of its cases into the run's folder, rank 0 shows its own in TensorBoard too.

    Args:
        folder: Where `epoch-<k>/<case>-<z>.png` go.
        data: The data of the training.
        threshold: Probability from which a pixel is tumor.
    """

    def __init__(self, folder: Path, data: SliceData, *, threshold: float) -> None:
        self._folder = folder
        self._shards = data.shards
        self._view = data.view
        self._logit = float(torch.logit(torch.tensor(threshold)))
        self._rows = set(_slices_to_show(data.shards, data.split.validation))

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw those slices of the batch that are shown."""
        for b, row in enumerate(batch["stretch"].rows.tolist()):
            if row in self._rows:
                hu = self._view.slice_hu(batch["image"][b : b + 1])[0]
                image = hu.round().to(torch.int16).cpu().numpy()
                found = (outputs[b, 0].float() >= self._logit).to(torch.uint8).cpu().numpy()
                picture = outline_picture(image, batch["mask"][b, 0].cpu().numpy(), found)
                self._keep(trainer, row, picture)

    def _keep(self, trainer: pl.Trainer, row: int, picture: npt.NDArray[np.uint8]) -> None:
        index = self._shards.index
        name = f"{index.cases[index.case[row]]}-{index.z[row]:04d}"
        path = self._folder / f"epoch-{trainer.current_epoch + 1:03d}" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png_bytes(picture))
        if trainer.is_global_zero and isinstance(trainer.logger, TensorBoardLogger):
            trainer.logger.experiment.add_image(
                f"validation/{name}", picture, trainer.current_epoch, dataformats="HWC"
            )


def _slices_to_show(shards: ShardSet, cases: tuple[int, ...]) -> list[int]:
    index = shards.index
    rows = []
    for case in cases:
        of_case = index.rows_of(case)
        rows.append(of_case.start + int(np.argmax(index.tumor_pixels[of_case])))
    return sorted(rows, key=lambda row: (-int(index.tumor_pixels[row]), row))[:_NUM_PICTURES]
