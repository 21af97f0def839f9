"""The changes of one slice on the processor, as transforms of albumentations."""

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # importing it asks the network otherwise

import albumentations as albu
import cv2
import numpy as np
import numpy.typing as npt

from lungseg.augment.draw import Floats, SliceDraw, draw_slice
from lungseg.augment.strength import BLUR_REACH, STRENGTHS

Mask = npt.NDArray[np.uint8]
_Take = Callable[[npt.NDArray[Any], npt.NDArray[Any], int, float], object]
_BLUR_TAPS = 2 * BLUR_REACH + 1


class Augmenter:
    """Changes a slice together with its mask, as chance decides for the draw.

    Args:
        strength: `none`, `light` or `full`, see `lungseg.augment.strength`.
        clip: Lowest and highest HU of the recipe; what comes from outside the slice is the lowest.
        seed: Seed of the run.
    """

    def __init__(self, strength: str, *, clip: tuple[int, int], seed: int) -> None:
        self._strength, self._seed = STRENGTHS[strength], seed
        self._compose = albu.Compose(
            [
                Mirror(p=1),
                Warp(p=1, fill=clip[0]),
                Coarsen(p=1),
                Blur(p=1),
                Shade(p=1, clip=clip),
                Gamma(p=1, clip=clip),
                Noise(p=1, clip=clip),
            ]
        )

    def __call__(
        self, image: npt.NDArray[np.int16], mask: Mask, *, epoch: int, position: int
    ) -> tuple[Floats, Mask]:
        """Augment one drawn slice.

        Args:
            image: (channels, h, w) HU; channels are moved together.
            mask: (h, w).
            epoch: 0-based epoch.
            position: Position of the draw in the epoch's order.

        Returns:
            Image (channels, h, w) in HU, and mask (h, w).
        """
        where = {"seed": self._seed, "epoch": epoch, "position": position}
        draw = draw_slice(self._strength, shape=mask.shape, **where)
        return self.change(image, mask, draw)

    def change(
        self, image: npt.NDArray[np.int16], mask: Mask, draw: SliceDraw
    ) -> tuple[Floats, Mask]:
        """As calling it, with changes that are drawn already."""
        changed = self._compose(images=image.astype(np.float32), mask=mask, draw=draw)
        return changed["images"], changed["mask"]


class _OfDraw:
    """A transform that does what the draw says that is given beside the images.

    Its `images` are (channels, h, w) float32 in HU, which it may change in place.
    """

    targets_as_params = ("draw",)

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """Hand the draw on to `apply`."""
        del params
        return {"draw": data["draw"]}


class Mirror(_OfDraw, albu.DualTransform):  # type: ignore[misc]  # albumentations has no types
    """Exchanges left and right."""

    def apply_to_images(self, images: Floats, draw: SliceDraw, **_: Any) -> Floats:
        """Mirror all channels."""
        if draw.mirror:
            for image in images:
                cv2.flip(image, 1, image)
        return images

    def apply_to_mask(self, mask: Mask, draw: SliceDraw, **_: Any) -> Mask:
        """Mirror the mask."""
        mirrored: Mask = cv2.flip(mask, 1) if draw.mirror else mask
        return mirrored


class Warp(_OfDraw, albu.DualTransform):  # type: ignore[misc]
    """Turns, zooms, shifts and bends, all in one interpolation.

    Args:
        p: Probability with which the draw counts; 1, as chance is in the draw.
        fill: HU of what lies outside the slice.
    """

    def __init__(self, p: float, *, fill: float) -> None:
        super().__init__(p=p)
        self._fill = fill

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        """How to take pixels from their places, once for all channels and the mask."""
        del params
        return {"take": _taking(data["draw"], data["mask"].shape)}

    def apply_to_images(self, images: Floats, take: _Take | None, **_: Any) -> Floats:
        """Interpolate linearly."""
        if take is None:
            return images
        taken = np.empty_like(images)
        for image, into in zip(images, taken, strict=True):
            take(image, into, cv2.INTER_LINEAR, self._fill)
        return taken

    def apply_to_mask(self, mask: Mask, take: _Take | None, **_: Any) -> Mask:
        """Take the nearest pixel."""
        if take is None or not mask.any():
            return mask
        taken = np.empty_like(mask)
        take(mask, taken, cv2.INTER_NEAREST, 0)
        return taken


def _taking(draw: SliceDraw, shape: tuple[int, int]) -> _Take | None:
    """The function (image, into, interpolation, fill) that warps as drawn; None where none does."""
    size, matrix = shape[::-1], draw.matrix
    edge = {"borderMode": cv2.BORDER_CONSTANT}
    if draw.bend is not None:
        taken_from = places(draw, shape)
        return lambda image, into, how, fill: cv2.remap(
            image, taken_from, None, how, into, borderValue=fill, **edge
        )
    if matrix is None:
        return None
    return lambda image, into, how, fill: cv2.warpAffine(
        image, matrix, size, into, how | cv2.WARP_INVERSE_MAP, borderValue=fill, **edge
    )


def places(draw: SliceDraw, shape: tuple[int, int]) -> Floats:
    """Where each pixel of a bent slice is taken from: (h, w, 2), column and row."""
    height, width = shape
    matrix = np.eye(2, 3, dtype=np.float32) if draw.matrix is None else draw.matrix
    across = np.multiply.outer(np.arange(width, dtype=np.float32), matrix[:, 0]) + matrix[:, 2]
    per_row = np.stack([np.tile(matrix[:, 1], width), across.reshape(-1)])
    rows = np.stack([np.arange(height, dtype=np.float32), np.ones(height, np.float32)], axis=1)
    found: Floats = (rows @ per_row).reshape(height, width, 2)
    if draw.bend is not None:
        nodes = np.ascontiguousarray(draw.bend.transpose(1, 2, 0))
        cv2.add(found, cv2.resize(nodes, (width, height), interpolation=cv2.INTER_CUBIC), found)
    return found


class Coarsen(_OfDraw, albu.ImageOnlyTransform):  # type: ignore[misc]
    """Samples down and up again, as a scan of thicker pixels would look."""

    def apply_to_images(self, images: Floats, draw: SliceDraw, **_: Any) -> Floats:
        """Interpolate linearly, twice."""
        if draw.resolution is not None:
            height, width = images.shape[1:]
            small = (round(width * draw.resolution), round(height * draw.resolution))
            for image in images:
                image[:] = cv2.resize(cv2.resize(image, small), (width, height))
        return images


class Blur(_OfDraw, albu.ImageOnlyTransform):  # type: ignore[misc]
    """Smooths, as another kernel of reconstruction would."""

    def apply_to_images(self, images: Floats, draw: SliceDraw, **_: Any) -> Floats:
        """Weigh with a Gaussian."""
        if draw.blur is not None:
            taps = (_BLUR_TAPS, _BLUR_TAPS)
            for image in images:
                cv2.GaussianBlur(image, taps, draw.blur, image, borderType=cv2.BORDER_REPLICATE)
        return images


class _WithinClip(_OfDraw, albu.ImageOnlyTransform):  # type: ignore[misc]
    """A transform whose result stays within the recipe's clip.

    Args:
        p: As that of `Warp`.
        clip: Lowest and highest HU of the recipe.
    """

    def __init__(self, p: float, *, clip: tuple[int, int]) -> None:
        super().__init__(p=p)
        self._low, self._high = clip

    def _clipped(self, images: Floats) -> Floats:
        return np.clip(images, self._low, self._high, out=images)


class Shade(_WithinClip):
    """Contrast, away from the lowest HU, and brightness."""

    def apply_to_images(self, images: Floats, draw: SliceDraw, **_: Any) -> Floats:
        """Multiply and add."""
        if draw.shade is None:
            return images
        contrast, brightness = draw.shade
        images *= np.float32(contrast)
        images += np.float32(brightness + self._low * (1 - contrast))
        return self._clipped(images)


class Gamma(_WithinClip):
    """Raises values, from 0 at the lowest HU to 1 at the highest, to a power."""

    def apply_to_images(self, images: Floats, draw: SliceDraw, **_: Any) -> Floats:
        """Raise to the power."""
        if draw.gamma is None:
            return images
        span = np.float32(self._high - self._low)
        images -= np.float32(self._low)
        images /= span
        np.clip(images, 0, 1, out=images)
        for image in images:
            cv2.pow(image, draw.gamma, image)
        images *= span
        images += np.float32(self._low)
        return images


class Noise(_WithinClip):
    """Adds normal noise, to each channel its own."""

    def apply_to_images(self, images: Floats, draw: SliceDraw, **_: Any) -> Floats:
        """Add it."""
        if draw.noise is None:
            return images
        cv2.setRNGSeed(draw.noise_key % 2**31)
        noise = np.empty(images.shape[1:], np.float32)
        for image in images:
            image += cv2.randn(noise, 0, draw.noise)
        return self._clipped(images)
