"""Which cases of a data set an evaluation scores, and what the training had to do with them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ingest.case import Case
from ingest.find_cases import find_cases
from lungseg.inference.model_file import LoadedModel
from lungseg.scores.case_score import Role
from shards.console.errors import KnownError

Subset = Literal["auto", "validation", "training", "test"]


class CaseChoiceError(KnownError):
    """There is no case to score, or one without a label."""


def choose_cases(
    source: Path, model: LoadedModel, *, subset: Subset = "auto", names: Sequence[str] = ()
) -> tuple[Subset, list[Case]]:
    """Choose the cases to score.

    Args:
        source: Data set in MSD layout.
        model: Knows which cases its training held out.
        subset: `validation`: those; `training`: all of imagesTr; `test`: imagesTs with labelsTs;
            `auto`: `validation` where the source has such cases, otherwise `training`.
        names: Only these cases of the subset; all when empty.

    Returns:
        The subset, never `auto`, and its cases by name, each with a label.

    Raises:
        BadCaseError: If the source is no data set.
        CaseChoiceError: If nothing is left to score, or a label is missing.
    """
    found = find_cases(source, subset="test" if subset == "test" else "training")
    held_out = [case for case in found if case.name in model.validation_cases]
    if subset == "auto":
        subset = "validation" if held_out else "training"
    chosen = held_out if subset == "validation" else found
    if not chosen:
        raise CaseChoiceError(
            f"--subset validation needs cases that the training held out, {source} has none of "
            f"{len(model.validation_cases)}: choose --subset training or --subset test"
        )
    unknown = sorted(set(names) - {case.name for case in chosen})
    if unknown:
        raise CaseChoiceError(
            f"--cases must name {subset} cases of {source}, got {', '.join(unknown)}: it has "
            f"{', '.join(case.name for case in chosen)}"
        )
    return subset, [_with_label(case, source) for case in chosen if not names or case.name in names]


def role_of(case: str, model: LoadedModel) -> Role:
    """What the training of a model did with a case: train on it, choose the checkpoint, nothing."""
    if case in model.training_cases:
        return "training"
    return "validation" if case in model.validation_cases else "unseen"


def _with_label(case: Case, source: Path) -> Case:
    """The case with its label; that of a test case, which the MSD withholds, from `labelsTs`."""
    possible = [case.label] if case.label else _test_labels(case.image, source / "labelsTs")
    label = next((path for path in possible if path.is_file()), None)
    if label is None:
        raise CaseChoiceError(
            f"a case needs a label to be scored, {case.name} has no {possible[0]}: add it, or "
            "leave the case out with --cases"
        )
    return replace(case, label=label)


def _test_labels(image: Path, folder: Path) -> list[Path]:
    """Where the label of a test image may lie: nnU-Net leaves out the image's channel."""
    suffix = ".nii.gz" if image.name.endswith(".gz") else ".nii"
    stem = image.name.removesuffix(suffix)
    stems = (stem, stem.removesuffix("_0000"))
    return [folder / (stem + end) for stem in stems for end in (suffix, ".nii.gz", ".nii")]
