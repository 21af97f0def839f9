"""One case -> every finding about it: a build that writes nothing, and then each file by itself."""

import logging
from dataclasses import dataclass

from ingest.case import BadCaseError, Case
from ingest.findings.finding import Finding
from ingest.findings.headers import header_findings
from ingest.findings.read_case import VOXELS_CRC32, read_case
from ingest.findings.reading import remark_findings
from ingest.findings.voxels import VoxelChecks
from ingest.recipe import Recipe
from ingest.scans.planes import axial_planes, stored_downwards
from ingest.scans.volume import Volume
from ingest.slices.opened import image_of, label_of


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What is to be examined.

    Attributes:
        case: The case.
        recipe: What it would be built by.
        needs_label: Whether a case without label is unfit, as in training.
    """

    case: Case
    recipe: Recipe
    needs_label: bool

    def __str__(self) -> str:
        """What it is called in messages."""
        return self.case.name


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What came out.

    Attributes:
        findings: About the case.
        content: Key that scans with equal voxels share; None when it could not be read.
    """

    findings: list[Finding]
    content: int | None


def examine(task: Examination) -> Examined:
    """Find all that is to be said about a case."""
    try:
        return _examine(task)
    except Exception as error:
        # One case that trips over our own mistake must not cost the others, as in a build
        case = task.case
        logging.getLogger(__name__).exception("unexpected failure in case %s", case.name)
        message = f"unexpected {type(error).__name__}: {error}"
        return Examined(findings=[_fatal(case, "case", message)], content=None)


def _examine(task: Examination) -> Examined:
    case, recipe = task.case, task.recipe
    if case.problem:
        return Examined(findings=[_fatal(case, "case", case.problem)], content=None)
    try:
        summary = read_case(case, recipe, lambda _: None)
    except BadCaseError as error:
        return _examine_apart(task, str(error))
    unlabeled = [_no_label(case)] if task.needs_label and not case.label else []
    return Examined(
        findings=[*summary.findings, *unlabeled], content=int(summary.measures[VOXELS_CRC32])
    )


def _examine_apart(task: Examination, error: str) -> Examined:
    """Examine image and label by themselves, because together they failed with `error`.

    The error stands for itself where nothing that is found here says the same.
    """
    case, recipe = task.case, task.recipe
    findings: list[Finding] = [_no_label(case)] if task.needs_label and not case.label else []
    checks = VoxelChecks(case.name, any_values=recipe.any_values)
    image = label = None
    try:
        image = image_of(case, recipe)
        _look_through(image, checks)
        findings += checks.findings()
    except BadCaseError as own:
        findings.append(_fatal(case, "image", str(own)))
    try:
        label = label_of(case, recipe, on=image.grid) if image else None
        for _ in label.slabs() if label else ():
            pass
    except BadCaseError as own:
        findings.append(_fatal(case, "label", str(own)))
    if image:
        findings += header_findings(case.name, image.grid, label.grid if label else None)
        findings += remark_findings(case.name, image, label)
    if not any(finding.level == "fatal" and finding.message in error for finding in findings):
        findings.insert(0, _fatal(case, "case", error))
    return Examined(findings=findings, content=None)


def _look_through(image: Volume, checks: VoxelChecks) -> None:
    planes = axial_planes(image, downwards=stored_downwards(image.grid))
    for z, plane in enumerate(planes):
        checks.see(z, plane)


def _no_label(case: Case) -> Finding:
    return _fatal(case, "label", f"{case.name} has no label: add it, or take the case out")


def _fatal(case: Case, rule: str, message: str) -> Finding:
    return Finding(case=case.name, level="fatal", rule=rule, message=" ".join(message.split()))
