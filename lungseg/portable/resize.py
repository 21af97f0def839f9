"""Resizing as two products of matrices, whose sizes may be known only when a graph runs."""

import torch
from torch import Tensor


def smaller(planes: Tensor, size: int) -> Tensor:
    """Resize HU as `ingest.slices.prepare` has OpenCV do it: to size x size, rounded.

    Args:
        planes: (b, c, h, w) float32, whole numbers.
        size: Height and width wanted.

    Returns:
        (b, c, size, size) float32, whole numbers.
    """
    height, width = length(planes, 2), length(planes, 3)
    far = torch.maximum(height, width) > 2 * size
    shrinks = (height >= size) & (width >= size)
    rows, columns = (
        torch.where(
            far,
            torch.where(shrinks, _by_area(places, size), _by_stretched_area(places, size)),
            _linear(places, size),
        )
        for places in (_places(planes, 2), _places(planes, 3))
    )
    return torch.round(rows @ planes @ columns.T)


def larger(planes: Tensor, like: Tensor) -> Tensor:
    """Resize probabilities bilinearly to the size of other planes.

    Args:
        planes: (b, c, s, s).
        like: (b, c, h, w).

    Returns:
        (b, c, h, w).
    """
    rows, columns = (_onto(planes.shape[-1], _places(like, axis)) for axis in (2, 3))
    return rows @ planes @ columns.T


def length(planes: Tensor, axis: int) -> Tensor:
    """Size of an axis as a float32 scalar of the graph."""
    return _places(planes, axis)[-1] + 1


def _places(planes: Tensor, axis: int) -> Tensor:
    """0, 1, 2, ... along an axis, float32."""
    line = planes[0, 0, :, 0] if axis == 2 else planes[0, 0, 0]
    return torch.cumsum(torch.ones_like(line), 0) - 1


def _numbers(size: int) -> Tensor:
    return torch.arange(size, dtype=torch.float32)[:, None]


def _linear(old: Tensor, size: int) -> Tensor:
    """Weights (size, old) of bilinear interpolation between the centers of pixels."""
    count = old[-1] + 1
    place = (_numbers(size) + 0.5) * (count / size) - 0.5
    return _hats(torch.minimum(place.clamp(min=0), old[-1]) - old)


def _onto(size: int, new: Tensor) -> Tensor:
    """As `_linear`, to a size of the graph: (new, size)."""
    place = (new[:, None] + 0.5) * (size / (new[-1] + 1)) - 0.5
    return _hats(place.clamp(0, size - 1) - _numbers(size).T)


def _by_area(old: Tensor, size: int) -> Tensor:
    """Weights (size, old) by the share of a new pixel that an old one covers."""
    step = (old[-1] + 1) / size
    first = _numbers(size) * step
    covered = torch.minimum(first + step, old + 1) - torch.maximum(first, old)
    return covered.clamp(min=0) / step


def _by_stretched_area(old: Tensor, size: int) -> Tensor:
    """What OpenCV's INTER_AREA does where one of the axes grows."""
    step = (old[-1] + 1) / size
    numbers = _numbers(size)
    first = torch.floor(numbers * step)
    beyond = (numbers + 1) - (first + 1) / step
    share = torch.where(beyond <= 0, 0.0, beyond - torch.floor(beyond))
    second = torch.minimum(first + 1, old[-1])
    return (old == first) * (1 - share) + (old == second) * share


def _hats(distance: Tensor) -> Tensor:
    return (1 - distance.abs()).clamp(min=0)
