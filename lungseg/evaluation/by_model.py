"""A checkpoint as what makes the masks of an evaluation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.case import Case
from ingest.recipe import Recipe
from ingest.scans.geometry import to_canonical
from lungseg.evaluation.options import EvaluateOptions
from lungseg.evaluation.predictor import LabeledScan, Mask, Prediction
from lungseg.explanation.case_sums import CaseSums
from lungseg.explanation.table import explain
from lungseg.inference.ensemble import load_ensemble
from lungseg.inference.infer import Model, Plane, find, pick_device
from lungseg.postprocessing.finder import Finder
from lungseg.scores.case_score import CaseScore, Role
from shards.storage.working_copy import shown


class ModelPredictor:
    """Runs a checkpoint; what `Predictor` asks for.

    Args:
        checkpoint: The file.
        options: How it is run.

    Raises:
        DeviceError: If the device is not there.
        ModelFileError: If the file is no checkpoint.
    """

    def __init__(self, checkpoint: Path, options: EvaluateOptions) -> None:
        self._paths = (checkpoint, *options.average_with)
        self._device = pick_device(options.device)
        self._model = load_ensemble(
            self._paths, device=self._device, flips=options.flips, precision=options.precision
        )
        self._batch_size = options.slices_at_once(self._device.type)
        self.reading = options.reading(self._model.recipe)
        self.views: tuple[Recipe, ...] = (self.reading,)
        self.own_threshold: float | None = self._model.threshold
        self._threshold = options.threshold or self._model.threshold
        self.threshold: float | None = self._threshold
        self._explains = options.explain
        self._sums: dict[str, CaseSums] = {}
        self._rules = options.rules(self._model.rules, self.reading)

    def role_of(self, case: str) -> Role:
        """What the training did with a case: train on it, choose the checkpoint by it, nothing."""
        return role_of(case, self._model)

    def require(self, _cases: Sequence[Case]) -> None:
        """A model predicts whatever it is given."""

    def predict(self, scan: LabeledScan) -> Prediction:
        """Run the net on the slices of a scan."""
        (view,) = scan.views
        sums = CaseSums(scan.truth, self.reading, view.field, threshold=self._threshold)
        certainty = Certainty(self._threshold)

        def watch(z: int, plane: Plane, wide: Plane) -> None:
            sums.add(z, plane)
            certainty.add(z, wide)

        finder = Finder(scan.grid, self.reading, threshold=self._threshold, rules=self._rules)
        stored = find(
            self._model,
            view,
            finder,
            device=self._device,
            batch_size=self._batch_size,
            watch=watch,
        )
        mask = to_canonical(stored, scan.grid)
        if self._explains:
            self._sums[scan.case.name] = sums
        return Prediction(
            mask=mask,
            unread=tuple(sorted(set(range(view.num_slices)) - set(view.z))),
            soft=sums.pooled_soft,
            probability=certainty.within(mask),
            volume_interval_ml=finder.volume_interval_ml(),
        )

    def about(self) -> dict[str, Any]:
        """The checkpoint's place and hash, and the recipe by which scans were read."""
        return {
            "checkpoint": ", ".join(map(shown, self._paths)),
            "checkpoint_sha256": self._model.sha256,
            "flips": self._model.flips,
            "precision": "bf16" if self._model.bf16 else "32",
            "post_processing": self._rules.to_dict(),
            "recipe": self.reading.to_dict(),
        }

    def provenance(self) -> dict[str, dict[str, object]]:
        """The recipe, the checkpoint, and the options of its training."""
        about = self.about()
        return {
            "Recipe: from scan to slices": about["recipe"],
            "Checkpoint and options of its training": {
                "file": about["checkpoint"],
                "sha256": about["checkpoint_sha256"],
                "trained on": ", ".join(self._model.training_cases),
                "validated on": ", ".join(self._model.validation_cases),
                "post-processing": self._rules.in_words(),
                "run on": f"{self._device} in {'bf16' if self._model.bf16 else '32 bits'}",
                **self._model.options,
            },
        }

    def explain(self, scores: Sequence[CaseScore]) -> dict[str, Any] | None:
        """The predictions by other definitions of Dice, beside controls, where asked for."""
        if not self._explains:
            return None
        return explain([self._sums[score.case] for score in scores], [s.dice for s in scores])

    def in_words(self) -> str:
        """The threshold, and where the net runs."""
        return f"at threshold {self.threshold}, by {self.about()['checkpoint']} on {self._device}"


def role_of(case: str, model: Model) -> Role:
    """What the training of a model did with a case: train on it, choose the checkpoint, nothing."""
    if case in model.training_cases:
        return "training"
    return "validation" if case in model.validation_cases else "unseen"


class Certainty:
    """The probabilities of the voxels that reach a threshold.

    Args:
        threshold: Probability from which a voxel is tumor.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._found: list[tuple[npt.NDArray[np.int64], Plane]] = []

    def add(self, z: int, wide: Plane) -> None:
        """Add the probabilities (height, width) of a slice."""
        y, x = np.nonzero(wide >= self._threshold)
        self._found.append((np.stack((x, y, np.full_like(x, z))), wide[y, x]))

    def within(self, mask: Mask) -> Plane:
        """Probabilities (n,) of the voxels of a mask (x, y, z), in the order of `np.argwhere`."""
        places = np.concatenate([place for place, _ in self._found], axis=1)
        probabilities = np.concatenate([probability for _, probability in self._found])
        kept = mask[tuple(places)] != 0
        order = np.lexsort(places[::-1, kept])
        return np.asarray(probabilities[kept][order], np.float32)
