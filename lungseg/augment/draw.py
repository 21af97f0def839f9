"""What chance decides for one drawn slice: the changes, not yet the pixels."""

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from lungseg.augment import strength as limits
from lungseg.augment.strength import Strength

Floats = npt.NDArray[np.float32]

T = TypeVar("T")

_CHANGES = [field.name for field in dataclasses.fields(Strength)]
_PER_CHANGE = 5
"""Numbers that each change has, made or not: its chance, and what decides how far."""
_NUM_RESOLUTIONS = len(limits.RESOLUTIONS)


class SliceDraw(NamedTuple):
    """The changes of one slice, in the order they are made; None where one is not made.

    Attributes:
        mirror: Whether left and right change sides.
        matrix: (2, 3), maps a pixel (column, row, 1) to the place (column, row) it is taken from.
        bend: (2, `BEND_NODES`, `BEND_NODES`), what is added to that place, across and down, px.
        resolution: Share of height and width to which it is sampled down.
        blur: Standard deviation in px.
        shade: Factor of the distance from the lowest HU, and HU added.
        gamma: Exponent.
        noise: Standard deviation in HU.
        noise_key: Seed of the noise, 0 to 2**63 - 1.
    """

    mirror: bool
    matrix: Floats | None
    bend: Floats | None
    resolution: float | None
    blur: float | None
    shade: tuple[float, float] | None
    gamma: float | None
    noise: float | None
    noise_key: int

    @property
    def warps(self) -> bool:
        """Whether pixels are taken from between others."""
        return self.matrix is not None or self.bend is not None


def draw_slice(
    strength: Strength, *, seed: int, epoch: int, position: int, shape: tuple[int, int]
) -> SliceDraw:
    """Draw the changes of one slice; (seed, epoch, position) decide all of them.

    They are the key and the counter of a Philox generator (Salmon et al. 2011), so that neither the
    number of devices nor what was drawn before has any part in it.

    Args:
        strength: Probabilities of the changes.
        seed: Seed of the run.
        epoch: 0-based epoch.
        position: Position of the draw in the epoch's order.
        shape: Height and width of the slice, in pixels.
    """
    bits = np.random.Philox(key=[seed, epoch], counter=[0, 0, 0, position])
    generator = np.random.Generator(bits)
    numbers = generator.random((len(_CHANGES), _PER_CHANGE)).tolist()
    noise_key = int(generator.integers(2**63))

    def drawn(change: str, make: Callable[[list[float]], T]) -> T | None:
        """What is made of a change's own numbers, where chance wants the change."""
        chance, *rest = numbers[_CHANGES.index(change)]
        return make(rest) if chance < getattr(strength, change) else None

    return SliceDraw(
        mirror=drawn("mirror", lambda _: True) or False,
        matrix=drawn("move", lambda u: _matrix(u, shape)),
        bend=drawn("bend", lambda u: _bend(u[0] * limits.MOST_BEND, shape, generator)),
        resolution=drawn("coarsen", lambda u: limits.RESOLUTIONS[int(u[0] * _NUM_RESOLUTIONS)]),
        blur=drawn("blur", lambda u: _between(u[0], *limits.BLUR_PX)),
        shade=drawn("shade", _shade),
        gamma=drawn("gamma", lambda u: _up_to(u[0], limits.MOST_GAMMA)),
        noise=drawn("noise", lambda u: _between(u[0], *limits.NOISE_HU)),
        noise_key=noise_key,
    )


def _matrix(numbers: list[float], shape: tuple[int, int]) -> Floats:
    """Turn and zoom around the middle, and shift."""
    turn, zoom, *shift = numbers
    angle = math.radians(_signed(turn, limits.MOST_TURN))
    scale = _up_to(zoom, limits.MOST_ZOOM)
    sine, cosine = scale * math.sin(angle), scale * math.cos(angle)
    middle_x, middle_y = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    x, y = (
        _signed(u, limits.MOST_SHIFT) * size for u, size in zip(shift, shape[::-1], strict=True)
    )
    return np.array(
        [
            [cosine, -sine, middle_x + x - cosine * middle_x + sine * middle_y],
            [sine, cosine, middle_y + y - sine * middle_x - cosine * middle_y],
        ],
        np.float32,
    )


def _bend(share: float, shape: tuple[int, int], generator: np.random.Generator) -> Floats:
    """Normal displacements of the nodes; `share` of height and width is their deviation."""
    nodes = generator.standard_normal((2, limits.BEND_NODES, limits.BEND_NODES), np.float32)
    return nodes * np.array([shape[1], shape[0]], np.float32)[:, None, None] * np.float32(share)


def _shade(numbers: list[float]) -> tuple[float, float]:
    contrast, brightness = numbers[:2]
    return (
        _up_to(contrast, limits.MOST_CONTRAST),
        _signed(brightness, limits.MOST_BRIGHTNESS_HU),
    )


def _between(number: float, low: float, high: float) -> float:
    return low + (high - low) * number


def _signed(number: float, most: float) -> float:
    return _between(number, -most, most)


def _up_to(number: float, most: float) -> float:
    """A factor from 1 / most to most, as often above 1 as below."""
    return math.exp(_signed(number, math.log(most)))
