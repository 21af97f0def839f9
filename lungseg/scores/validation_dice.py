"""Validation Dice per case as a torchmetrics metric: exact counts, equal on any number of ranks."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torchmetrics import Metric

from lungseg.scores.dice import dice, soft_dice, summarize_guarded


class Stretch(Protocol):
    """Slices of one case that are scored together, by one rank."""

    @property
    def number(self) -> int:
        """Place among all stretches."""

    @property
    def case(self) -> int:
        """Place of the case among the validation cases."""

    @property
    def slices(self) -> npt.NDArray[np.int64]:
        """Places of the slices among those of all validation cases."""


class CaseDice(Metric):
    """Counts TP, FP and FN per case in integers, and sums them over ranks once per epoch.

    The states have a fixed shape, so the reduction is one plain all-reduce, and integers make it
    independent of order. The sums of the soft score are kept per stretch of slices, which one rank
    scores as a whole, so they too are the same on any number of ranks.

    Args:
        cases: Names of the validation cases.
        num_slices: Slices of all of them.
        num_stretches: Stretches into which they were cut.
        threshold: Probability from which a pixel is tumor.
        voxel_ml: Volume of a voxel of each case, mL.
    """

    full_state_update = False

    def __init__(
        self,
        cases: tuple[str, ...],
        *,
        num_slices: int,
        num_stretches: int,
        threshold: float,
        voxel_ml: tuple[float, ...],
    ) -> None:
        super().__init__()
        self._cases, self._voxel_ml = cases, voxel_ml
        self._logit = torch.logit(torch.tensor(threshold, dtype=torch.float64)).item()
        counts = torch.zeros(len(cases), 3, dtype=torch.int64)
        sums = torch.zeros(num_stretches, 2, dtype=torch.float64)
        self.add_state("counts", counts, dist_reduce_fx="sum")
        self.add_state("soft_sums", sums, dist_reduce_fx="sum")
        self.add_state("seen", torch.zeros(num_slices, dtype=torch.int64), dist_reduce_fx="sum")
        self.counts: torch.Tensor
        self.soft_sums: torch.Tensor
        self.seen: torch.Tensor

    def update(self, logits: torch.Tensor, mask: torch.Tensor, stretch: Stretch) -> None:
        """Add slices of one case.

        Args:
            logits: (b, 1, h, w).
            mask: (b, 1, h, w), 0 is background.
            stretch: Which slices they are.
        """
        truth, found = mask > 0, logits.float() >= self._logit
        counts = ((truth & found).sum(), (~truth & found).sum(), (truth & ~found).sum())
        self.counts[stretch.case] += torch.stack(counts)
        probability = logits.double().sigmoid()
        sums = ((probability * truth).sum(), probability.sum() + truth.sum())
        self.soft_sums[stretch.number] += torch.stack(sums)
        self.seen[torch.as_tensor(stretch.slices, device=self.seen.device)] += 1

    def compute(self) -> dict[str, Any]:
        """What `lungseg.scores.dice.summarize` says, and more.

        That is each case's Dice, the pooled soft Dice, `dice_guarded` with its definition, the mean
        `false_volume_ml` of all cases, and under `cases` the values of the `CaseCounts` of each.

        Raises:
            RuntimeError: If a slice was validated twice or never.
        """
        if not bool((self.seen == 1).all()):
            wrong = int((self.seen != 1).sum())
            raise RuntimeError(f"{wrong} of {len(self.seen)} slices were not validated just once")
        counts = self.counts.cpu().numpy()
        overlap, total = (sum(column) for column in self.soft_sums.T.tolist())
        cases = [
            {"case": case, "tp": tp, "fp": fp, "fn": fn, "false_volume_ml": fp * ml}
            for case, ml, (tp, fp, fn) in zip(
                self._cases, self._voxel_ml, counts.tolist(), strict=True
            )
        ]
        return summarize_guarded(counts, self._voxel_ml) | {
            "dice_pooled_soft": soft_dice(overlap, total),
            "dice_per_case": {row["case"]: dice(row["tp"], row["fp"], row["fn"]) for row in cases},
            "cases": cases,
        }
