"""Tumors of training slices that chance puts into other drawn slices."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch

from lungseg.augment.graft import Turn, cut_out, paste
from shards.order.sampler import BatchRequest

Rows = npt.NDArray[np.int64]

_LEAST_PIXELS = 8  # of a slice's tumor, to be worth a journey
_ZOOM = (0.6, 1.2)
_TRIES = 12
_OTHER_STREAM = 1  # of the generator whose stream 0 decides the other changes of a slice


class Journey(NamedTuple):
    """What chance decides for one drawn slice that gets a tumor.

    Attributes:
        donor: Row of the index that the tumor is taken from.
        turn: How it is changed on the way.
        places: Shares of the way through the lung's pixels, in the order in which they are tried.
    """

    donor: int
    turn: Turn
    places: list[float]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Donors:
    """The tumors that may travel, and how often they do.

    Attributes:
        share: Of the drawn slices, how many are to get a tumor.
        seed: Seed of the run.
        rows: For each case with tumor, (n,) rows of the index that show it.
    """

    share: float
    seed: int
    rows: tuple[Rows, ...]

    @classmethod
    def among(
        cls, rows: Rows, case: npt.NDArray[np.int32], pixels: npt.NDArray[np.int32], **given: float
    ) -> Self:
        """Those among the training slices.

        Args:
            rows: (n,) rows of the index.
            case: (n,) the case of each.
            pixels: (n,) its tumor pixels.
            given: `share` and `seed`.
        """
        shows = pixels >= _LEAST_PIXELS
        kinds = np.unique(case[shows])
        return cls(rows=tuple(rows[shows & (case == one)] for one in kinds), **given)  # type: ignore[arg-type]

    def draw(self, epoch: int, position: int) -> Journey | None:
        """Draw whether a slice gets a tumor, and which: any case's as likely as another's.

        As for the other changes, (seed, epoch, position) decide all of it.
        """
        bits = np.random.Philox(key=[self.seed, epoch], counter=[0, 0, _OTHER_STREAM, position])
        chance, case, row, zoom, quarters, mirror, *places = (
            np.random.Generator(bits).random(6 + _TRIES).tolist()
        )
        if not self.rows or chance >= self.share:
            return None
        of_case = self.rows[int(case * len(self.rows))]
        return Journey(
            donor=int(of_case[int(row * len(of_case))]),
            turn=Turn(
                zoom=_ZOOM[0] * (_ZOOM[1] / _ZOOM[0]) ** zoom,
                quarters=int(quarters * 4),
                mirror=mirror < 0.5,
            ),
            places=places,
        )

    def travel(
        self,
        images: torch.Tensor,
        masks: torch.Tensor,
        request: BatchRequest,
        *,
        read: Callable[[Rows], tuple[torch.Tensor, torch.Tensor]],
    ) -> None:
        """Put tumors into the slices of a batch, in place, as drawn and where they fit.

        Args:
            images: (b, channels, h, w) int16 HU.
            masks: (b, 1, h, w) uint8, 1 on tumor.
            request: What was drawn.
            read: Reads rows of the index as such images and masks.
        """
        drawn = [self.draw(request.epoch, position) for position in request.positions.tolist()]
        journeys = {b: journey for b, journey in enumerate(drawn) if journey is not None}
        if not journeys:
            return
        donors = read(np.array([journey.donor for journey in journeys.values()]))
        tumors = zip(journeys.items(), *(pixels.numpy() for pixels in donors), strict=True)
        for (b, journey), image, mask in tumors:
            graft = cut_out(image, mask[0], journey.turn)
            paste(images[b].numpy(), masks[b, 0].numpy(), graft, journey.places)
