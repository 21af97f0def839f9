"""What a search varies."""

from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

Point = dict[str, Any]

SEARCHED = ("loss", "lr", "oversample")


@dataclass(frozen=True, kw_only=True)
class Space:
    """Loss, learning rate and oversampling; the last two by their logarithm.

    Attributes:
        losses: Losses to choose from.
        lr: Lowest and highest learning rate.
        oversample: Lowest and highest oversampling.
    """

    losses: tuple[str, ...]
    lr: tuple[float, float]
    oversample: tuple[float, float]

    def distributions(self) -> dict[str, BaseDistribution]:
        """The space for Optuna, by the names of `SEARCHED`."""
        return {
            "loss": CategoricalDistribution(self.losses),
            "lr": FloatDistribution(*self.lr, log=True),
            "oversample": FloatDistribution(*self.oversample, log=True),
        }

    def nearest(self, point: Point) -> Point:
        """The point inside the space that is nearest to another one."""
        return {
            "loss": point["loss"] if point["loss"] in self.losses else self.losses[0],
            "lr": _within(point["lr"], self.lr),
            "oversample": _within(point["oversample"], self.oversample),
        }


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
