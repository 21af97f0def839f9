"""The Lightning module: what one training step and one validation epoch do."""

import copy
from contextlib import ExitStack
from typing import Any

import pytorch_lightning as pl
import torch

from lungseg.losses.build import build_loss
from lungseg.losses.deep_supervision import at_all_levels
from lungseg.models.build import build_net, check_crop, check_net
from lungseg.models.memory_order import order_for_prediction
from lungseg.models.tiles import tiled
from lungseg.options.fit import FitOptions
from lungseg.scores.case_counts import CaseCounts
from lungseg.scores.dice import GUARDED
from lungseg.scores.validation_dice import CaseDice
from lungseg.training.batches import Batch, stretches_of
from lungseg.training.data import SliceData
from lungseg.training.machine.parts import in_parts
from lungseg.training.optimizer import build_optimizer, build_schedule, keep_order
from lungseg.training.process.batch_norm import over_ranks
from lungseg.training.process.ranks import sum_over_ranks
from lungseg.training.side_by_side import SideBySide
from lungseg.training.slice_weights import fingerprint
from shards.console.groups import flat_values


class LungSegmenter(pl.LightningModule):
    """A U-Net with its loss, optimizer and validation Dice per case.

    The checkpoint's hyper-parameters hold the options and, under `lungseg`, what prediction needs
    beside them, so that a checkpoint is enough to predict.

    Args:
        options: The options of the training.
        data: Its data.
    """

    def __init__(self, options: FitOptions, data: SliceData) -> None:
        super().__init__()
        given = flat_values(options)
        self.net = over_ranks(build_net(given))
        height, width = data.shards.manifest.slice_shape
        check_net(self.net, given, height=height, width=width)
        check_crop(self.net, given, height=height, width=width)
        self._options = options
        self._as_in_prediction = tiled(self.net, options.crop.crop_px).forward
        self._loss = build_loss(options.loss, reduce=sum_over_ranks)
        index, split = data.shards.index, data.split
        training, validation = (
            tuple(index.cases[case] for case in cases)
            for cases in (split.training, split.validation)
        )
        stretches = stretches_of(index, split.validation)
        self.dice = CaseDice(
            validation,
            num_slices=sum(len(stretch.rows) for stretch in stretches),
            num_stretches=len(stretches),
            threshold=options.validation.threshold,
            voxel_ml=tuple(data.shards.manifest.voxel_ml(case) for case in validation),
        )
        self._loss_here = build_loss(options.loss)
        self._val_loss: torch.Tensor
        self.scores: dict[str, Any] = {}
        self.cases: list[CaseCounts] = []
        self._side_by_side: SideBySide | None = None
        self._until_scored = ExitStack()
        ours = {
            "recipe": data.shards.manifest.recipe,
            "threshold": options.validation.threshold,
            "neighbors": options.view.neighbors,
            "manifest_sha256": data.shards.manifest_sha256,
            "slice_weights_sha256": fingerprint(data.weights),
            "training_cases": list(training),
            "validation_cases": list(validation),
        }
        del given["out"]  # of a run at a URL the copy, which will be gone
        self.save_hyperparameters(given | {"lungseg": ours})

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(b, neighbors, h, w) scaled HU -> (b, 1, h, w) logits, by the net as it is in prediction.

        A compiled one is for training alone: the sizes of stretches would have it compiled anew.
        """
        logits: torch.Tensor = self._as_in_prediction(image)
        return logits

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """The loss of a batch, of which this rank has a share; it is that of all on each of them.

        What is logged of a step lies on the processor already, or stays on the device until it is
        shown: a GPU is waited for in no step.
        """
        del batch_idx
        num_parts = self._options.machine.accumulate
        logits = in_parts(self.net, batch["image"], num_parts=num_parts)
        loss = at_all_levels(self._loss, logits, batch["mask"])
        self.log("train/loss", loss, prog_bar=True)
        rate = torch.tensor(self.trainer.optimizers[0].param_groups[0]["lr"])
        self.log("lr", rate, rank_zero_only=True)
        return loss

    def on_train_start(self) -> None:
        """Take over what the optimizer kept on another machine."""
        keep_order(self.trainer.optimizers[0])

    def on_validation_epoch_start(self) -> None:
        """Begin to sum; a processor scores slices side by side."""
        self._val_loss = torch.zeros(2, dtype=torch.float64, device=self.device)
        self._until_scored.close()  # of a validation that was cut off
        if self.device.type == "cpu":
            net = order_for_prediction(copy.deepcopy(self.net), self.device)
            alone = SideBySide(tiled(net, self._options.crop.crop_px))
            self._side_by_side = self._until_scored.enter_context(alone)

    def validation_step(self, batch: Batch, batch_idx: int) -> torch.Tensor | None:
        """Count the voxels of a stretch of one case; nothing is exchanged between ranks here."""
        del batch_idx
        if len(batch["image"]) == 0:
            return None
        logits: torch.Tensor = (self._side_by_side or self)(batch["image"])
        loss = self._loss_here(logits, batch["mask"]).double()
        self._val_loss += torch.stack([loss, torch.ones_like(loss)]) * len(logits)
        self.dice.update(logits, batch["mask"], batch["stretch"])
        return logits

    def on_validation_epoch_end(self) -> None:
        """Sum the counts over ranks, once."""
        self._until_scored.close()
        self._side_by_side = None
        self.scores = dict(self.dice.compute())
        self.cases = [CaseCounts(**counts) for counts in self.scores.pop("cases")]
        self.dice.reset()
        loss, num_slices = sum_over_ranks(self._val_loss).tolist()
        self.log("val/loss", loss / num_slices)
        for name in _LOGGED:
            shown = name == "dice_case_mean"
            self.log(f"val/{_logged(name)}", float(self.scores[name]), prog_bar=shown)

    def configure_optimizers(self) -> Any:
        """The optimizer and its learning rate at each step."""
        fused = self.device.type == "cuda" and self.trainer.precision != "16-mixed"
        optimizer = build_optimizer(self.parameters(), self._options.step, fused=fused)
        num_steps = int(self.trainer.estimated_stepping_batches)
        schedule = build_schedule(optimizer, self._options.step, num_steps=num_steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


_LOGGED = ("dice_case_mean", GUARDED, "dice_pooled_soft", "missed", "false_volume_ml", "n")


def _logged(name: str) -> str:
    return "dice_missed" if name == "missed" else name
