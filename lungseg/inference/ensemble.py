"""Several models, or one in several mirrors, as one whose probabilities are their mean."""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ingest.recipe import Recipe
from lungseg.inference.model_file import LoadedModel, load_model
from lungseg.models.bf16 import takes_bf16
from lungseg.postprocessing.rules import Rules
from shards.console.errors import KnownError
from shards.storage.working_copy import shown

logger = logging.getLogger(__name__)

MIRRORS: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))
"""Axes of a slice that are flipped: left and right, front and back."""


class EnsembleError(KnownError):
    """Models do not fit each other."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Ensemble:
    """Models of one recipe; the first one's threshold and rules are those of all.

    Attributes:
        members: The models, at least one.
        flips: Whether each sees every slice in four mirrors.
    """

    members: tuple[LoadedModel, ...]
    flips: bool = False

    def __post_init__(self) -> None:
        first, *others = (model.recipe.to_dict() for model in self.members)
        for other in others:
            apart = [name for name in first if first[name] != other[name]]
            if apart:
                raise EnsembleError(
                    "checkpoints are averaged where their recipes are one, these differ in "
                    f"{apart[0]} ({first[apart[0]]} and {other[apart[0]]}): choose others"
                )

    @property
    def recipe(self) -> Recipe:
        """How a scan becomes slices."""
        return self.members[0].recipe

    @property
    def threshold(self) -> float:
        """Probability from which a voxel is tumor: the first member's."""
        return self.members[0].threshold

    @property
    def rules(self) -> Rules:
        """Which lesions are kept: the first member's rules."""
        return self.members[0].rules

    @property
    def others(self) -> tuple[str, ...]:
        """What is averaged with the first member: hashes of others, and whether mirrors."""
        return (*sorted(model.sha256 for model in self.members[1:]), *["flips"] * self.flips)

    @property
    def bf16(self) -> bool:
        """Whether the nets run in bf16."""
        return self.members[0].bf16

    @property
    def neighbors(self) -> int:
        """Neighboring slices that the member who sees the most of them sees."""
        return max(model.neighbors for model in self.members)

    @property
    def training_cases(self) -> tuple[str, ...]:
        """Cases that a member was trained on."""
        return _united(model.training_cases for model in self.members)

    @property
    def validation_cases(self) -> tuple[str, ...]:
        """Cases that chose a member's checkpoint."""
        return _united(model.validation_cases for model in self.members)

    @property
    def options(self) -> dict[str, Any]:
        """Options of the first member's training."""
        return self.members[0].options

    @property
    def sha256(self) -> str:
        """Hash that tells this ensemble from others, hexadecimal."""
        if len(self.members) == 1 and not self.flips:
            return self.members[0].sha256
        parts = [model.sha256 for model in self.members] + ["flips"] * self.flips
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def probabilities(self, pixels: torch.Tensor) -> torch.Tensor:
        """As `LoadedModel.probabilities`: of each member in each mirror."""
        mirrors = MIRRORS if self.flips else MIRRORS[:1]
        found = [
            model.probability(_middle(pixels, model.neighbors).flip(axes)).flip(axes)
            for model in self.members
            for axes in mirrors
        ]
        return torch.stack(found)


def load_ensemble(
    paths: Sequence[Path], *, device: torch.device, flips: bool = False, precision: str = "auto"
) -> Ensemble:
    """Load checkpoints.

    Args:
        paths: At least one file of `lungseg.fit`.
        device: Where the nets shall lie.
        flips: As in `Ensemble`.
        precision: As in `takes_bf16`.

    Raises:
        ModelFileError: If a file is no checkpoint.
        EnsembleError: If their recipes differ.
    """
    bf16 = takes_bf16(precision, device.type)
    members = tuple(replace(load_model(path, device=device), bf16=bf16) for path in paths)
    ensemble = Ensemble(members=members, flips=flips)
    if members[0].chosen_with not in (None, ensemble.others):
        logger.warning(
            "threshold and rules of %s were chosen for another average than this one: "
            "`python -m lungseg.calibrate` with the same --average-with and --flips chooses anew",
            shown(paths[0]),
        )
    return ensemble


def _middle(pixels: torch.Tensor, neighbors: int) -> torch.Tensor:
    """The channels in the middle."""
    beside = (pixels.shape[1] - neighbors) // 2
    return pixels[:, beside : beside + neighbors]


def _united(names: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for some in names for name in some))
