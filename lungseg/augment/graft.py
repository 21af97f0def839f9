"""A tumor cut out of one slice, and its pasting into the lung of another."""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from lungseg.augment.draw import Floats

Images = npt.NDArray[np.int16]
Mask = npt.NDArray[np.uint8]

MARGIN = 3
"""Pixels around a tumor over which it fades into what is there."""
_TAPS = (2 * MARGIN + 1, 2 * MARGIN + 1)
_FADE_PX = 1.2  # standard deviation of the Gaussian that the margin fades by
_AIRY_HU = -500
_PURE_AIR_HU = -940  # regions darker on average: around the patient, or gas
_SMALLEST_SHARE = 0.01  # of the slice's pixels, for a region to be lung
_VESSEL = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))  # what is thinner counts as lung


class Graft(NamedTuple):
    """A tumor with its margin.

    Attributes:
        hu: (channels, h, w) float32.
        weight: (h, w) float32, 1 in the tumor, falling to 0 within the margin.
        mask: (h, w) uint8, the tumor alone.
    """

    hu: Floats
    weight: Floats
    mask: Mask


class Turn(NamedTuple):
    """How a tumor is changed on the way.

    Attributes:
        zoom: Factor of its size.
        quarters: Quarter turns.
        mirror: Whether it is mirrored after them.
    """

    zoom: float
    quarters: int
    mirror: bool


def cut_out(image: Images, mask: Mask, turn: Turn) -> Graft:
    """Take the tumor out of a slice.

    Around it the donor's own pixels are taken where they are darker than the tumor's rim, as lung
    and spicules are, and else that rim: a wall that it leans on stays behind.

    Args:
        image: (channels, h, w) HU.
        mask: (h, w), 1 on tumor, which there must be.
        turn: How it is changed.
    """
    box = _box(mask, reach=2 * MARGIN)
    whole = np.stack([*image[:, *box], mask[box]]).astype(np.float32)
    planes = np.rot90(np.stack([_zoomed(p, turn.zoom) for p in whole]), turn.quarters, (1, 2))
    planes = np.ascontiguousarray(planes[:, :, ::-1] if turn.mirror else planes)
    hu, inside = planes[:-1], planes[-1] >= 0.5
    near = _blurred(inside.astype(np.float32))
    rim = np.stack([_blurred(p * inside) for p in hu]) / np.maximum(near, 1e-6)
    return Graft(
        hu=np.where(inside, hu, np.minimum(hu, rim)),
        weight=np.where(inside, 1, np.minimum(2 * near, 1)).astype(np.float32),
        mask=inside.astype(np.uint8),
    )


def paste(image: Images, mask: Mask, graft: Graft, places: Iterable[float]) -> bool:
    """Put a tumor into the lung of a slice, in place, the same place in all channels.

    Args:
        image: (channels, h, w) HU.
        mask: (h, w), 1 on tumor.
        graft: The tumor.
        places: Where to try, as shares from 0 to below 1 of the way through the lung's pixels: the
            first where all of it lies in lung, with its margin away from other tumors, is taken.

    Returns:
        Whether it was pasted.
    """
    lung = lung_of(image[len(image) // 2])
    pixels = np.flatnonzero(lung.view(bool))
    if not len(pixels) or not graft.mask.any():
        return False
    for place in places:
        middle = divmod(int(pixels[int(place * len(pixels))]), lung.shape[1])
        at = _window(middle, graft.mask.shape, lung.shape)
        if at and _fits(graft, lung[at], mask[at]):
            here = image[:, *at]
            here += np.rint(graft.weight * (graft.hu - here)).astype(np.int16)
            mask[at] |= graft.mask
            return True
    return False


def lung_of(plane: npt.NDArray[np.int16]) -> Mask:
    """(h, w) uint8, 1 where an axial plane in HU shows lung, its vessels included.

    Regions filled with air of lung density, within the body: not at the border of the plane.
    """
    airy = (plane < _AIRY_HU).view(np.uint8)
    _, regions, stats, _ = cv2.connectedComponentsWithStats(airy, connectivity=4)
    sizes = stats[:, cv2.CC_STAT_AREA]
    large = sizes >= _SMALLEST_SHARE * plane.size
    for edge in (regions[0], regions[-1], regions[:, 0], regions[:, -1]):
        large[edge] = False
    large[0] = False
    lung = np.zeros(plane.shape, bool)
    for number in np.flatnonzero(large):
        region = regions == number
        if plane[region].sum(dtype=np.int64) > _PURE_AIR_HU * sizes[number]:
            lung |= region
    closed: Mask = cv2.morphologyEx(lung.view(np.uint8), cv2.MORPH_CLOSE, _VESSEL)
    return closed


def _fits(graft: Graft, lung: Mask, mask: Mask) -> bool:
    return not (graft.mask > lung).any() and not mask[graft.weight > 0].any()


def _box(mask: Mask, *, reach: int) -> tuple[slice, slice]:
    """The rectangle that holds the tumor and, where the slice has them, so many pixels around."""
    column, row, width, height = cv2.boundingRect(mask)
    return (
        slice(max(0, row - reach), row + height + reach),
        slice(max(0, column - reach), column + width + reach),
    )


def _window(
    middle: tuple[int, int], size: tuple[int, ...], within: tuple[int, ...]
) -> tuple[slice, slice] | None:
    """The pixels of a rectangle around a middle; None where some lie outside."""
    first = [m - s // 2 for m, s in zip(middle, size, strict=True)]
    if any(f < 0 or f + s > w for f, s, w in zip(first, size, within, strict=True)):
        return None
    rows, columns = (slice(f, f + s) for f, s in zip(first, size, strict=True))
    return rows, columns


def _zoomed(plane: Floats, zoom: float) -> Floats:
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    zoomed: Floats = cv2.resize(plane, None, fx=zoom, fy=zoom, interpolation=how)
    return zoomed


def _blurred(plane: Floats) -> Floats:
    blurred: Floats = cv2.GaussianBlur(plane, _TAPS, _FADE_PX, borderType=cv2.BORDER_CONSTANT)
    return blurred
