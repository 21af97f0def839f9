"""Random changes of a slice and its mask, each draw with a seed of its own."""

import os

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # importing it asks the network otherwise

import albumentations as albu
import cv2
import numpy as np
import numpy.typing as npt


class Augmenter:
    """Flips, moves, bends, brightens and blurs a slice together with its mask.

    A draw is identified by (seed, epoch, position in the epoch's order), so what happens to it
    depends neither on the number of devices nor on the number of worker processes.

    Args:
        strength: `none`, `light` or `full`, as `lungseg.options.fit.FitOptions.augment`.
        clip: Lowest and highest HU of the recipe; albumentations wants floats from 0 to 1.
        seed: Seed of the run.
    """

    def __init__(self, strength: str, *, clip: tuple[int, int], seed: int) -> None:
        self._low, self._span = clip[0], clip[1] - clip[0]
        self._seed = seed
        self._transform = albu.Compose(_transforms(strength, self._span))

    def __call__(
        self,
        image: npt.NDArray[np.int16],
        mask: npt.NDArray[np.uint8],
        *,
        epoch: int,
        position: int,
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        """Augment one drawn slice.

        Args:
            image: (channels, h, w) HU.
            mask: (h, w).
            epoch: 0-based epoch.
            position: Position of the draw in the epoch's order.

        Returns:
            Image (channels, h, w) in HU, and mask (h, w).
        """
        if not self._transform.transforms:
            return image.astype(np.float32), mask
        draw = np.random.SeedSequence([self._seed, epoch, position])
        self._transform.set_random_seed(int(draw.generate_state(1)[0]))
        unit = (image.transpose(1, 2, 0).astype(np.float32) - self._low) / self._span
        changed = self._transform(image=unit, mask=mask)
        hu = changed["image"].transpose(2, 0, 1) * self._span + self._low
        return np.ascontiguousarray(hu), changed["mask"]


def _transforms(strength: str, span: int) -> list[albu.BasicTransform]:
    """The transforms of a strength; `span` is the HU range that lies between 0 and 1."""
    outside = {
        "border_mode": cv2.BORDER_CONSTANT,
        "fill": 0.0,
        "fill_mask": 0,
        "mask_interpolation": cv2.INTER_NEAREST,
    }
    light: list[albu.BasicTransform] = [
        albu.HorizontalFlip(p=0.5),
        albu.Affine(
            scale=(0.85, 1.15),
            translate_percent=(-0.08, 0.08),
            rotate=(-15, 15),
            balanced_scale=True,
            p=0.7,
            **outside,
        ),
        albu.RandomBrightnessContrast(
            brightness_limit=80 / span, contrast_limit=0.1, brightness_by_max=True, p=0.5
        ),
    ]
    extra: list[albu.BasicTransform] = [
        albu.GaussNoise(std_range=(5 / span, 40 / span), per_channel=True, p=0.3),
        albu.ElasticTransform(alpha=30, sigma=6, approximate=True, p=0.2, **outside),
    ]
    return {"none": [], "light": light, "full": light + extra}[strength]
