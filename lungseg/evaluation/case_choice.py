"""Which cases of a data set an evaluation scores."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol

from ingest.case import Case
from ingest.find_cases import find_cases
from ingest.names import VOLUMES, stem, suffix_of
from lungseg.scores.case_score import Role
from shards.console.errors import KnownError


class Wanted(Protocol):
    """Options that say which cases are wanted."""

    @property
    def source(self) -> Path:
        """The data set."""

    @property
    def subset(self) -> Literal["auto", "validation", "training", "test"]:
        """Which part of it."""

    @property
    def cases(self) -> tuple[str, ...]:
        """Names of cases in it; empty for all."""


class CaseChoiceError(KnownError):
    """There is no case to score, or one without a label."""


def choose_cases(
    options: Wanted, role_of: Callable[[str], Role], *, roi: tuple[str, ...]
) -> tuple[str, list[Case]]:
    """Choose the cases to score.

    Args:
        options: `source`, `subset` and `cases` say which.
        role_of: What the training did with a case.
        roi: Names of the regions in DICOM masks that are tumor.

    Returns:
        What they are (`validation`, `test`, `training`, or `labeled` where no training is known to
        have used any), and the cases by name, each with a label.

    Raises:
        BadCaseError: If the source is no data set.
        CaseChoiceError: If nothing is left to score, or a label is missing.
    """
    subset, source = options.subset, options.source
    found = find_cases(source, subset="test" if subset == "test" else "training", roi=roi)
    held_out = [case for case in found if role_of(case.name) == "validation"]
    if subset == "auto":
        subset = "validation" if held_out else "training"
    chosen = held_out if subset == "validation" else found
    if not chosen:
        raise CaseChoiceError(
            f"--subset validation needs cases that the training held out, {source} has none: "
            "choose --subset training or --subset test"
        )
    unknown = sorted(set(options.cases) - {case.name for case in chosen})
    if unknown:
        raise CaseChoiceError(
            f"--cases must name {subset} cases of {source}, got {', '.join(unknown)}: it has "
            f"{', '.join(case.name for case in chosen)}"
        )
    kept = [case for case in chosen if not options.cases or case.name in options.cases]
    used = any(role_of(case.name) in ("training", "validation") for case in kept)
    kind = "labeled" if subset == "training" and not used else subset
    return kind, [_with_label(case, source) for case in kept]


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
    own = stem(image)
    stems, suffixes = (own, own.removesuffix("_0000")), (suffix_of(image), *VOLUMES)
    return [folder / (name + suffix) for name in stems for suffix in suffixes]
