"""Resizing as two products of matrices, whose sizes may be known only when a graph runs."""

from typing import NamedTuple

import torch
from torch import Tensor


class Axis(NamedTuple):
    """How the pixels of a slice lie on those of a plane, along one axis.

    Attributes:
        old: (n,) float32, the plane's pixels: 0, 1, 2, ...
        new: Number of them when the plane is resampled, a float32 scalar.
        shown: (size, 1) float32, which of those each pixel of the slice shows; others are beyond.
    """

    old: Tensor
    new: Tensor
    shown: Tensor

    @property
    def num_old(self) -> Tensor:
        """Pixels of the plane."""
        return self.old[-1] + 1

    @property
    def is_inside(self) -> Tensor:
        """(size, 1) bool, what of the slice lies on the plane."""
        return (self.shown >= 0) & (self.shown < self.new)


def whole_axis(old: Tensor, size: int) -> Axis:
    """All of a plane on `size` pixels.

    Args:
        old: As in `Axis`.
        size: Pixels of a slice.
    """
    return Axis(old, torch.tensor(float(size)), _numbers(size))


def middle_axis(old: Tensor, size: int, *, spacing_mm: Tensor, pixel_mm: float) -> Axis:
    """The middle of a plane on `size` pixels of one pitch, as `ingest.slices.field` cuts it.

    Args:
        old: As in `Axis`.
        size: Pixels of a slice.
        spacing_mm: Pitch of the plane's pixels, a float64 scalar.
        pixel_mm: That of the slice's.
    """
    new = torch.round((old[-1] + 1).double() * spacing_mm / pixel_mm).clamp(min=1).float()
    return Axis(old, new, _numbers(size) + torch.floor((new - size) / 2))


def places(planes: Tensor, axis: int) -> Tensor:
    """0, 1, 2, ... along an axis of (b, c, h, w), float32, of the graph."""
    line = planes[0, 0, :, 0] if axis == 2 else planes[0, 0, 0]
    return torch.cumsum(torch.ones_like(line), 0) - 1


def smaller(planes: Tensor, axes: tuple[Axis, Axis], *, beyond: float) -> Tensor:
    """Make slices of HU as `ingest.slices.prepare` has OpenCV make them, rounded.

    Args:
        planes: (b, c, h, w) float32, whole numbers.
        axes: Of the rows, and of the columns.
        beyond: What a slice shows beyond the plane.

    Returns:
        (b, c, size, size) float32, whole numbers.
    """
    down, across = axes
    far = (down.num_old > 2 * down.new) | (across.num_old > 2 * across.new)
    shrinks = (down.num_old >= down.new) & (across.num_old >= across.new)
    rows, columns = (
        torch.where(
            far, torch.where(shrinks, _by_area(axis), _by_stretched_area(axis)), _linear(axis)
        )
        * axis.is_inside
        for axis in axes
    )
    return torch.round(rows @ (planes - beyond) @ columns.T + beyond)


def larger(slices: Tensor, axes: tuple[Axis, Axis]) -> Tensor:
    """Put probabilities back on their planes, bilinearly.

    Args:
        slices: (b, c, size, size).
        axes: Of the rows, and of the columns.

    Returns:
        (b, c, h, w), 0 where the slices do not show the plane.
    """
    rows, columns = (_onto(axis) for axis in axes)
    return rows @ slices @ columns.T


def _numbers(size: int) -> Tensor:
    return torch.arange(size, dtype=torch.float32)[:, None]


def _linear(axis: Axis) -> Tensor:
    """Weights (size, n) of bilinear interpolation between the centers of pixels."""
    place = (axis.shown + 0.5) * (axis.num_old / axis.new) - 0.5
    return _hats(torch.minimum(place.clamp(min=0), axis.old[-1]) - axis.old)


def _onto(axis: Axis) -> Tensor:
    """As `_linear`, from a slice: (n, size)."""
    place = (axis.old[:, None] + 0.5) * (axis.new / axis.num_old) - 0.5
    return _hats(torch.minimum(place.clamp(min=0), axis.new - 1) - axis.shown.T)


def _by_area(axis: Axis) -> Tensor:
    """Weights (size, n) by the share of a new pixel that an old one covers."""
    step = axis.num_old / axis.new
    first = axis.shown * step
    covered = torch.minimum(first + step, axis.old + 1) - torch.maximum(first, axis.old)
    return covered.clamp(min=0) / step


def _by_stretched_area(axis: Axis) -> Tensor:
    """What OpenCV's INTER_AREA does where one of the axes grows."""
    step = axis.num_old / axis.new
    first = torch.floor(axis.shown * step)
    beyond = (axis.shown + 1) - (first + 1) / step
    share = torch.where(beyond <= 0, 0.0, beyond - torch.floor(beyond))
    second = torch.minimum(first + 1, axis.old[-1])
    return (axis.old == first) * (1 - share) + (axis.old == second) * share


def _hats(distance: Tensor) -> Tensor:
    return (1 - distance.abs()).clamp(min=0)
