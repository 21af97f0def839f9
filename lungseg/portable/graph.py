"""All of a prediction in one module: HU of a slice in, probabilities on its own pixels out."""

import torch
from torch import Tensor, nn

from lungseg.inference.model_file import LoadedModel
from lungseg.portable.resize import Axis, larger, middle_axis, places, smaller, whole_axis


class Portable(nn.Module):
    """Clips, resizes, windows and scales as the recipe says, runs the net, and resizes back.

    Args:
        model: The model.
    """

    def __init__(self, model: LoadedModel) -> None:
        super().__init__()
        self.net = model.net
        self._view = model.view
        self._recipe = model.recipe

    def forward(self, hu: Tensor, spacing: Tensor | None = None) -> Tensor:
        """Run the model.

        Args:
            hu: (b, neighbors, h, w) float32 HU; rows from the back of the patient to the front,
                columns from left to right; neighbors from the feet to the head.
            spacing: (2,) float64, mm from row to row and from column to column, where the recipe
                has a pitch.

        Returns:
            (b, h, w) float32, probability of tumor.
        """
        axes = self._axis(hu, spacing, 2), self._axis(hu, spacing, 3)
        held = torch.round(hu).clamp(*self._recipe.clip)
        logits = self.net(self._view(smaller(held, axes, beyond=self._recipe.clip[0])))
        return larger(torch.sigmoid(logits), axes)[:, 0]

    def _axis(self, hu: Tensor, spacing: Tensor | None, axis: int) -> Axis:
        old, size, pixel_mm = places(hu, axis), self._recipe.size, self._recipe.pixel_mm
        if spacing is None or pixel_mm is None:
            return whole_axis(old, size)
        return middle_axis(old, size, spacing_mm=spacing[axis - 2], pixel_mm=pixel_mm)
