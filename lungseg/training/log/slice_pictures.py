"""Pictures of validation slices with both outlines, drawn at every validation."""

from pathlib import Path
from typing import Any

import numpy.typing as npt
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger

from lungseg.report.pictures import Picture, outline_picture, png_bytes
from lungseg.training.batches import Batch
from lungseg.training.data import SliceData
from lungseg.training.log.examples import FALSE, fixed_slices, picture_path
from lungseg.training.process.ranks import sum_over_ranks


class SlicePictures(Callback):
    """Draws the same slices at every validation, and the one with most that is falsely tumor.

    Each rank draws those of its cases into the run's folder, rank 0 shows its own in TensorBoard
    too.

    Args:
        folder: Where `epoch-<k>/<kind>-<case>-<z>.png` go.
        data: The data of the training.
        threshold: Probability from which a pixel is tumor.
    """

    def __init__(self, folder: Path, data: SliceData, *, threshold: float) -> None:
        self._folder = folder
        self._data = data
        self._logit = float(torch.logit(torch.tensor(threshold)))
        self._fixed = fixed_slices(data.shards.index, data.split.validation)
        self._worst: tuple[int, int, Picture] | None = None

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look anew for the worst slice."""
        self._worst = None

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
        rows = batch["stretch"].rows.tolist()
        if not rows:
            return
        found = outputs.float() >= self._logit
        for b, row in enumerate(rows):
            if row in self._fixed:
                self._keep(trainer, self._fixed[row], row, self._drawn(batch, found, b))
        false = (found & (batch["mask"] == 0)).sum(dim=(1, 2, 3))
        b = int(false.argmax())
        if int(false[b]) > (self._worst[0] if self._worst else 0):
            self._worst = int(false[b]), rows[b], self._drawn(batch, found, b)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw the worst slice of all ranks, before rank 0 goes on."""
        counts = torch.zeros(trainer.world_size, dtype=torch.int64, device=pl_module.device)
        counts[trainer.global_rank] = self._worst[0] if self._worst else 0
        if int(sum_over_ranks(counts).argmax()) == trainer.global_rank and self._worst:
            self._keep(trainer, FALSE, *self._worst[1:])
        trainer.strategy.barrier()

    def _drawn(self, batch: Batch, found: torch.Tensor, b: int) -> Picture:
        hu = self._data.view.slice_hu(batch["image"][b : b + 1])[0]
        image: npt.NDArray[Any] = hu.round().to(torch.int16).cpu().numpy()
        masks = (mask[b, 0].to(torch.uint8).cpu().numpy() for mask in (batch["mask"], found))
        return outline_picture(image, *masks)

    def _keep(self, trainer: pl.Trainer, kind: str, row: int, picture: Picture) -> None:
        (name,) = self._data.names([row])
        epoch = trainer.current_epoch + 1
        path = picture_path(self._folder, epoch=epoch, kind=kind, slice_name=name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png_bytes(picture))
        if trainer.is_global_zero and isinstance(trainer.logger, TensorBoardLogger):
            title = "worst false positive" if kind == FALSE else name
            trainer.logger.experiment.add_image(
                f"validation/{title}", picture, trainer.current_epoch, dataformats="HWC"
            )
