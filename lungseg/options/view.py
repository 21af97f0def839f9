"""What the net sees of the slices."""

import dataclasses
from typing import Annotated, Literal

from shards.console.command import Several
from shards.console.limits import Limited, Limits

Scaling = Literal["auto", "recipe", "unit", "signed"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ViewOptions(Limited):
    """What the net sees of the slices; prediction shows it the same."""

    neighbors: Literal[1, 3, 5] = 3
    """Neighboring slices that the net sees as channels, the slice itself included."""
    hu_window: Annotated[
        tuple[tuple[float, float], ...], Several, Limits(least=-32768, most=32767)
    ] = ()
    """LOW HIGH in HU: the net sees only what lies between (lung: -1000 400, soft tissue: -160 240).
    Given several times, each window is a channel of its own."""
    hu_scaling: Scaling = "auto"
    """recipe: HU times the scale of the shards' recipe. unit: LOW to HIGH of the window, or else
    of the recipe's clip, become 0 to 1; signed: -1 to 1. auto: unit with --hu-window, else
    recipe."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for low, high in self.hu_window:
            if not low < high:
                raise ValueError(f"--hu-window needs LOW HIGH with LOW < HIGH, got {low} {high}")
