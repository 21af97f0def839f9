"""What a training can be told: the options of `python -m lungseg.fit`, and what searches share."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from lungseg.options.augmentation import AugmentationOptions
from lungseg.options.crop import CropOptions
from lungseg.options.data import DataOptions
from lungseg.options.draw import DrawOptions
from lungseg.options.loss import LossOptions
from lungseg.options.machine import MachineOptions
from lungseg.options.net import NetOptions
from lungseg.options.presets import DISPLACED_BY, PRESETS, Preset
from lungseg.options.run import RunOptions
from lungseg.options.step import StepOptions
from lungseg.options.validation import ValidationOptions
from lungseg.options.view import ViewOptions
from shards.console.command import Options
from shards.console.groups import from_flat, undisplaced, with_resolved_paths

TRANSPLANT = 0.6
"""Share of the drawn slices that get a tumor where nothing else is said: the best measured."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingOptions(Options):
    """What decides a training, wherever it lies."""

    RENAMED: ClassVar[Mapping[str, str]] = {"window": "window_shards"}
    PRESETS: ClassVar[Mapping[Preset, Mapping[str, Any]]] = PRESETS
    DISPLACED_BY: ClassVar[Mapping[str, tuple[str, ...]]] = DISPLACED_BY
    EARLIER: ClassVar[Mapping[str, Any]] = {"transplant": 0.0}
    """What was trained with before an option was there, where its default is something else."""

    preset: Preset = "default"
    """Options to begin with, which other flags and --config change: tutorial is the plain U-Net of
    the well-known notebook, trained as there; small is for processors."""
    data: DataOptions
    validation: ValidationOptions = dataclasses.field(default_factory=ValidationOptions)
    draw: DrawOptions = dataclasses.field(default_factory=DrawOptions)
    crop: CropOptions = dataclasses.field(default_factory=CropOptions)
    augmentation: AugmentationOptions = dataclasses.field(default_factory=AugmentationOptions)
    view: ViewOptions = dataclasses.field(default_factory=ViewOptions)
    net: NetOptions = dataclasses.field(default_factory=NetOptions)
    loss: LossOptions = dataclasses.field(default_factory=LossOptions)
    step: StepOptions = dataclasses.field(default_factory=StepOptions)
    machine: MachineOptions = dataclasses.field(default_factory=MachineOptions)

    def __post_init__(self) -> None:
        super().__post_init__()
        drawn = (self.draw.draw, self.draw.order)
        if self.data.loader == "webdataset" and drawn != ("weighted", "exact"):
            raise ValueError("--draw balanced and --order windowed need --loader index")
        if self.machine.accumulate > 1 and self.net.norm == "batch":
            raise ValueError(
                "--accumulate would have --norm batch normalize each part by itself: give a "
                "smaller --batch-size instead (8 with --lr 0.003 was measured better than 32), or "
                "--norm instance with --transplant 0"
            )
        if self.draw.slice_weights and (self.data.loader, self.draw.draw) != ("index", "weighted"):
            raise ValueError("--slice-weights needs --loader index and --draw weighted")
        if self.augmentation.transplant not in ("auto", 0) and not self._transplants:
            raise ValueError(
                "--transplant needs --loader index and --order exact: give them, or --transplant 0"
            )

    @property
    def transplant(self) -> float:
        """Share of the drawn slices that get a tumor of another one: what `auto` stands for."""
        given = self.augmentation.transplant
        if given != "auto":
            return given
        return TRANSPLANT if self._transplants else 0.0

    @property
    def _transplants(self) -> bool:
        """Whether slices are read as they were drawn, so that tumors of others can be too."""
        return (self.data.loader, self.draw.order) == ("index", "exact")

    def everywhere(self) -> Self:
        """The same with paths that hold in any folder, for processes elsewhere."""
        return dataclasses.replace(with_resolved_paths(self), data=self.data.everywhere())

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Options by the names of their flags: `FitOptions.of(shards="shards", out="runs/a")`.

        A preset is what the other values change.

        Raises:
            TypeError: If there is no option of a name.
            ValueError: If a value is refused.
        """
        preset = undisplaced(PRESETS.get(values.get("preset", "default"), {}), DISPLACED_BY, values)
        return from_flat(cls, {**preset, **values})


@dataclasses.dataclass(frozen=True, kw_only=True)
class FitOptions(TrainingOptions):
    """Train a U-Net on the slices of a shard set and keep the checkpoint with the best Dice.

    Dice is per case; for a tumor-free one counts 1 mL / (1 mL + the volume falsely called tumor).
    """

    SWITCHES: ClassVar[Mapping[str, str]] = {"resume": "no"}

    run: RunOptions

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.run.folds and (self.validation.fold != 0 or self.validation.validation_cases):
            raise ValueError("--folds says what validates: leave out --fold and --validation-cases")
        if self.validation.fold == "none" and (self.run.validate or self.validation.patience):
            raise ValueError(
                "--fold none leaves nothing to validate on: leave out --validate and --patience"
            )
