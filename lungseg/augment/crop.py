"""Which square of a drawn slice a training sees, as chance decides."""

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from shards.order.sampler import BatchRequest
from shards.reading.buffers import Buffers

_BODY_HU = -300
_OTHER_STREAM = 2  # of the generator that decides the other changes of a slice by 0 and 1

Window = tuple[slice, slice]


class CropDraw(NamedTuple):
    """What chance decides for one drawn slice.

    Attributes:
        on_tumor: Whether a pixel of its tumor is to be the middle, where it has any.
        down: Share of the way through the tumor's pixels, or through the rows of the body.
        across: Share of the way through the columns of the body.
    """

    on_tumor: bool
    down: float
    across: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Crops:
    """Squares of drawn slices.

    Attributes:
        size: Their edge in pixels, at most that of the slices.
        on_tumor: Share of them with a tumor pixel in the middle, where a slice has any.
        seed: Seed of the run.
    """

    size: int
    on_tumor: float
    seed: int

    def draw(self, epoch: int, position: int) -> CropDraw:
        """Draw where a slice is cropped; (seed, epoch, position) decide all of it."""
        bits = np.random.Philox(key=[self.seed, epoch], counter=[0, 0, _OTHER_STREAM, position])
        chance, down, across = np.random.Generator(bits).random(3).tolist()
        return CropDraw(on_tumor=chance < self.on_tumor, down=down, across=across)

    def cut(
        self,
        images: torch.Tensor,
        masks: torch.Tensor,
        request: BatchRequest,
        *,
        buffers: Buffers,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Crop the slices of a batch as drawn, all channels of one in the same place.

        Args:
            images: (b, channels, h, w) int16 HU.
            masks: (b, 1, h, w) uint8, 1 on tumor.
            request: What was drawn.
            buffers: Where the squares' memory comes from.

        Returns:
            Images (b, channels, size, size) and masks (b, 1, size, size).
        """
        square = (self.size, self.size)
        cut_images = buffers.take((*images.shape[:2], *square), images.dtype)
        cut_masks = buffers.take((*masks.shape[:2], *square), masks.dtype)
        for b, position in enumerate(request.positions.tolist()):
            image, mask = images[b].numpy(), masks[b, 0].numpy()
            window = self.window(image[len(image) // 2], mask, self.draw(request.epoch, position))
            cut_images.numpy()[b] = image[:, *window]
            cut_masks.numpy()[b, 0] = mask[window]
        return cut_images, cut_masks

    def window(
        self, plane: npt.NDArray[np.int16], mask: npt.NDArray[np.uint8], draw: CropDraw
    ) -> Window:
        """The rows and columns of a slice's square; near an edge it is moved into the slice.

        Args:
            plane: (h, w) HU.
            mask: (h, w), 1 on tumor.
            draw: What chance decided.
        """
        tumor = np.flatnonzero(mask) if draw.on_tumor else ()
        if len(tumor):
            middle = divmod(int(tumor[int(draw.down * len(tumor))]), mask.shape[1])
        else:
            body: npt.NDArray[np.bool_] = plane > _BODY_HU
            down, across = np.any(body, axis=1), np.any(body, axis=0)
            middle = (_within(down, draw.down), _within(across, draw.across))
        rows, columns = (
            self._span(center, edge) for center, edge in zip(middle, mask.shape, strict=True)
        )
        return rows, columns

    def _span(self, center: int, edge: int) -> slice:
        first = min(max(0, center - self.size // 2), edge - self.size)
        return slice(first, first + self.size)


def _within(shows: npt.NDArray[np.bool_], share: float) -> int:
    """A row or column between the first and the last that show body; any where none does."""
    found = np.flatnonzero(shows)
    first, last = (int(found[0]), int(found[-1])) if len(found) else (0, len(shows) - 1)
    return first + int(share * (last + 1 - first))
