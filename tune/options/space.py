"""What a search varies: options of the training, each over a choice or a range."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

Point = dict[str, Any]

ONLY_WITH: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "focal_gamma": ("loss", ("focal", "dice_focal")),
    "tversky_fp": ("loss", ("tversky", "focal_tversky")),
    "tversky_fn": ("loss", ("tversky", "focal_tversky")),
    "tversky_gamma": ("loss", ("focal_tversky",)),
    "pos_weight": ("loss", ("bce", "bce_dice", "focal", "dice_focal")),
    "momentum": ("optimizer", ("sgd",)),
}
"""Options that mean something only where another one has one of these values."""

OF_LOSSES: Mapping[str, BaseDistribution] = {
    "focal_gamma": FloatDistribution(0.5, 5.0),
    "tversky_fp": FloatDistribution(0.1, 0.9),
    "tversky_fn": FloatDistribution(0.1, 0.9),
    "tversky_gamma": FloatDistribution(1.0, 3.0),
}
"""Where parameters of losses lie in a search over those losses."""


@dataclass(frozen=True, kw_only=True)
class Space:
    """Options and where each is searched.

    Attributes:
        searched: By the options' names, those that others depend on first.
        around: Values of options that are not searched.
    """

    searched: Mapping[str, BaseDistribution]
    around: Mapping[str, Any]

    @classmethod
    def of_losses(
        cls,
        losses: tuple[str, ...],
        *,
        lr: tuple[float, float],
        oversample: tuple[float, float],
        around: Mapping[str, Any],
    ) -> "Space":
        """Losses with their own parameters; learning rate and oversampling by their logarithm."""
        searched = {
            "loss": CategoricalDistribution(losses),
            "lr": FloatDistribution(*lr, log=True),
            "oversample": FloatDistribution(*oversample, log=True),
        }
        of_these = {
            name: lies for name, lies in OF_LOSSES.items() if set(ONLY_WITH[name][1]) & set(losses)
        }
        return cls(searched=searched | of_these, around=around)

    def suggest(self, trial: optuna.Trial) -> Point:
        """The values that Optuna suggests, of the options that mean something with them."""
        point: Point = {}
        for name, lies in self.searched.items():
            if self._means_something(name, point):
                point[name] = trial._suggest(name, lies)  # noqa: SLF001 (the kinds share it)
        return point

    def distributions(self, point: Point) -> dict[str, BaseDistribution]:
        """Where the values of a point were suggested from."""
        return {name: self.searched[name] for name in point}

    def offers(self, name: str, value: Any) -> bool:
        """Whether a value is a choice that is searched, as it is."""
        lies = self.searched.get(name)
        return isinstance(lies, CategoricalDistribution) and value in lies.choices

    def nearest(self, point: Mapping[str, Any]) -> Point:
        """The point inside the space that is nearest to another one, which may say more."""
        near: Point = {}
        for name, lies in self.searched.items():
            if self._means_something(name, near):
                near[name] = _within(point[name], lies)
        return near

    def _means_something(self, name: str, point: Point) -> bool:
        other, values = ONLY_WITH.get(name, ("", ()))
        return not other or (self.around | point).get(other) in values  # type: ignore[operator]


def _within(value: Any, lies: BaseDistribution) -> Any:
    if isinstance(lies, CategoricalDistribution):
        return value if value in lies.choices else lies.choices[0]
    assert isinstance(lies, FloatDistribution | IntDistribution)  # noqa: S101 (there are three)
    return min(max(value, lies.low), lies.high) if isinstance(value, int | float) else lies.low
