"""What a search varies, as a define-by-run space of Optuna."""

from dataclasses import dataclass
from typing import Any

import optuna

Point = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Space:
    """Suggests loss, learning rate and oversampling of one trial.

    Optuna's searcher in Ray pickles it, so it must be a class of a module.

    Attributes:
        losses: Losses to choose from.
        lr: Lowest and highest learning rate.
        oversample: Lowest and highest oversampling.
    """

    losses: tuple[str, ...]
    lr: tuple[float, float]
    oversample: tuple[float, float]

    def __call__(self, trial: optuna.Trial) -> dict[str, Any]:
        """Suggest the values of one trial, and name its number."""
        trial.suggest_categorical("loss", self.losses)
        trial.suggest_float("lr", *self.lr, log=True)
        trial.suggest_float("oversample", *self.oversample, log=True)
        return {"number": trial.number}

    def nearest(self, point: Point) -> Point:
        """The point inside the space that is nearest to another one."""
        return {
            "loss": point["loss"] if point["loss"] in self.losses else self.losses[0],
            "lr": _within(point["lr"], self.lr),
            "oversample": _within(point["oversample"], self.oversample),
        }


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
