"""What a net sees of HU: all of them scaled, or windows of them as channels."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch


class Window(NamedTuple):
    """A range of HU and what a net is given for it: HU times factor plus offset.

    Attributes:
        low: Lowest HU that is told apart; None for no limit.
        high: Highest.
        factor: Of the net's input per HU.
        offset: The net's input at 0 HU.
    """

    low: float | None
    high: float | None
    factor: float
    offset: float


@dataclasses.dataclass(frozen=True)
class View:
    """From HU to the input of a net.

    Attributes:
        windows: What each group of channels shows; a group has a channel per neighboring slice.
    """

    windows: tuple[Window, ...]

    @property
    def factor(self) -> float | None:
        """The factor that is all there is to this view; None where there is more."""
        only = self.windows[0]
        plain = len(self.windows) == 1 and only.low is None and only.offset == 0
        return only.factor if plain else None

    def __call__(self, hu: torch.Tensor) -> torch.Tensor:
        """Show HU to a net.

        Args:
            hu: (b, neighbors, h, w), integers or floats.

        Returns:
            (b, windows * neighbors, h, w) float32; all neighbors in the first window, then in the
            next.
        """
        hu = hu.float()
        shown = [self._through(window, hu) for window in self.windows]
        return shown[0] if len(shown) == 1 else torch.cat(shown, dim=1)

    def slice_hu(self, shown: torch.Tensor) -> torch.Tensor:
        """The HU of the slice itself, as far as they lie in the first window.

        Args:
            shown: (b, windows * neighbors, h, w), what `__call__` made.

        Returns:
            (b, h, w) float32.
        """
        middle = shown.shape[1] // len(self.windows) // 2
        window = self.windows[0]
        return (shown[:, middle].float() - window.offset) / window.factor

    @staticmethod
    def _through(window: Window, hu: torch.Tensor) -> torch.Tensor:
        limited = hu if window.low is None else hu.clamp(window.low, window.high)
        scaled = limited * window.factor
        return scaled if window.offset == 0 else scaled.add_(window.offset)


def view_of(options: Mapping[str, Any], recipe: Mapping[str, Any]) -> View:
    """What the options of a training let its net see.

    Args:
        options: `hu_window` and `hu_scaling` of `lungseg.options.view.ViewOptions` as plain data.
            A checkpoint of an earlier version has neither: its net sees HU times the scale.
        recipe: `scale` and `clip` of the recipe of the slices.
    """
    ranges = options.get("hu_window") or ()
    scaling = options.get("hu_scaling", "auto")
    if scaling == "auto":
        scaling = "unit" if ranges else "recipe"
    if scaling == "recipe":
        factor = float(recipe["scale"])
        limits = ranges or ((None, None),)
        return View(tuple(Window(low, high, factor, 0.0) for low, high in limits))
    lowest = {"unit": 0.0, "signed": -1.0}[scaling]
    return View(
        tuple(_scaled(low, high, lowest=lowest) for low, high in ranges or (recipe["clip"],))
    )


def _scaled(low: float, high: float, *, lowest: float) -> Window:
    """The window that maps its limits to a lowest value and to 1."""
    factor = (1 - lowest) / (high - low)
    return Window(low, high, factor, lowest - low * factor)
