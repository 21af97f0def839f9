"""All of a prediction in one module: HU of a slice in, probabilities on its own pixels out."""

import torch
from torch import Tensor, nn

from lungseg.inference.model_file import LoadedModel
from lungseg.portable.resize import larger, smaller


class Portable(nn.Module):
    """Clips, resizes, windows and scales as the recipe says, runs the net, and resizes back.

    Args:
        model: The model.
    """

    def __init__(self, model: LoadedModel) -> None:
        super().__init__()
        self.net = model.net
        self._view = model.view
        self._clip = model.recipe.clip
        self._size = model.recipe.size

    def forward(self, hu: Tensor) -> Tensor:
        """Run the model.

        Args:
            hu: (b, neighbors, h, w) float32 HU; rows from the back of the patient to the front,
                columns from left to right; neighbors from the feet to the head.

        Returns:
            (b, h, w) float32, probability of tumor.
        """
        held = torch.round(hu).clamp(*self._clip)
        logits = self.net(self._view(smaller(held, self._size)))
        return larger(torch.sigmoid(logits), hu)[:, 0]
