"""How often slices are changed at random in each way, and how far at most."""

import dataclasses

MOST_TURN = 15.0
"""Degrees."""
MOST_ZOOM = 1.15
MOST_SHIFT = 0.08
"""Share of the slice's height and width."""
BEND_NODES = 16
"""Nodes per direction of the grid whose random displacements bend a slice."""
MOST_BEND = 0.01
"""Standard deviation of the nodes' displacements, as share of the slice's height and width."""
MOST_CONTRAST = 1.1
"""Factor of the distance from the recipe's lowest HU, which is air."""
MOST_BRIGHTNESS_HU = 80.0
MOST_GAMMA = 1.1
"""Exponent of values from 0, the recipe's lowest HU, to 1, its highest."""
NOISE_HU = (5.0, 40.0)
"""Lowest and highest standard deviation."""
BLUR_PX = (0.4, 1.0)
"""Lowest and highest standard deviation of the Gaussian."""
BLUR_REACH = 3
"""Pixels to each side that the Gaussian weighs."""
RESOLUTIONS = (0.5, 0.625, 0.75)
"""Shares of the height and width to which a slice is sampled down, and up again."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Strength:
    """Probabilities of the changes, each drawn for itself.

    Attributes:
        mirror: Left and right change sides.
        move: Turned, zoomed and shifted.
        bend: Displaced smoothly at random.
        coarsen: Sampled down and up again.
        blur: Smoothed.
        shade: Contrast and brightness.
        gamma: Values raised to a power.
        noise: Normal noise added.
    """

    mirror: float = 0.0
    move: float = 0.0
    bend: float = 0.0
    coarsen: float = 0.0
    blur: float = 0.0
    shade: float = 0.0
    gamma: float = 0.0
    noise: float = 0.0


_LIGHT = Strength(mirror=0.5, move=0.7, shade=0.5)

STRENGTHS = {
    "none": Strength(),
    "light": _LIGHT,
    "full": dataclasses.replace(_LIGHT, bend=0.2, coarsen=0.1, blur=0.1, gamma=0.15, noise=0.3),
}
