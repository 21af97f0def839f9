"""What the headers of a scan and its mask say: one grid, right angles, planes in order."""

import numpy as np

from ingest.findings.finding import Finding, Level
from ingest.recipe import Recipe
from ingest.scans.geometry import Grid, same_place_voxels
from ingest.scans.planes import stored_downwards

PLACE = "place"
"""The rule that speaks where image and label lie apart."""

_APART_FATAL = 0.5  # voxels between image and label
_APART_WARNED = 0.01
_ANGLE_WARNED = 0.5  # degrees off a right angle between two axes


def header_findings(case: str, image: Grid, label: Grid | None) -> list[Finding]:
    """Judge what the headers say: image and label must be one grid once their axes are canonical.

    Args:
        case: Name of the case.
        image: Grid of the scan, as stored.
        label: Grid of the mask, as stored; None when there is none.

    Returns:
        The findings.
    """
    findings = [] if label is None else _of_pair(case, image, label)
    angle = skew_degrees(image)
    if angle > _ANGLE_WARNED:
        message = f"axes stand {angle:.2f} degrees off a right angle: slices are used as stored"
        findings.append(Finding(case=case, level="warning", rule="angle", message=message))
    return findings + _of_storage(case, image, label)


def drop_findings(case: str, grid: Grid, recipe: Recipe) -> list[Finding]:
    """Say where the default rule drops nothing, because slices are too thick for it."""
    step_mm = grid.canonical().spacing_mm[2]
    by_default = recipe.drop_mm is None and recipe.drop_slices is None
    if not by_default or recipe.drop_outside_lungs or recipe.may_drop_abdomen(step_mm):
        return []
    message = (
        f"slices of {step_mm:g} mm are too thick to drop {recipe.drop_rule}, none is: choose with "
        "--drop-slices, --drop-mm or --drop-outside-lungs"
    )
    return [Finding(case=case, level="note", rule="drop", message=message)]


def skew_degrees(grid: Grid) -> float:
    """How far two axes of a grid are from standing at a right angle, in degrees, at worst."""
    axes = grid.matrix[:3, :3] / np.linalg.norm(grid.matrix[:3, :3], axis=0)
    cosines = np.abs(axes.T @ axes)[np.triu_indices(3, 1)]
    return float(np.degrees(np.arcsin(min(cosines.max(), 1.0))))


def _of_storage(case: str, image: Grid, label: Grid | None) -> list[Finding]:
    """Say which files must be read whole, because their planes do not come in the scan's order."""
    messages = []
    if not image.streams:
        messages.append(
            f"stored as {image.orientation}: axial slices do not follow one another in the file, "
            "so that the scan is read whole into memory"
        )
    if label and _is_read_whole(label, image):
        messages.append(
            f"the label is stored as {label.orientation}, its scan as {image.orientation}: the "
            "label is read whole into memory"
        )
    return [Finding(case=case, level="warning", rule="storage", message=text) for text in messages]


def _is_read_whole(label: Grid, image: Grid) -> bool:
    """Whether a label must be read whole on its own account."""
    in_order = label.streams and stored_downwards(label) == stored_downwards(image)
    return not in_order and label.orientation != image.orientation


def _of_pair(case: str, image: Grid, label: Grid) -> list[Finding]:
    """Compare the grids of a scan and its mask."""
    scan, mask = image.canonical(), label.canonical()
    level: Level = "fatal"
    if scan.shape != mask.shape:
        message = (
            f"image and label must have one shape, found {image.shape} and {label.shape}: use the "
            "label that was drawn on this scan"
        )
        return [Finding(case=case, level=level, rule="shape", message=message)]
    apart = same_place_voxels(scan, mask)
    if apart <= _APART_WARNED:
        return []
    if apart <= _APART_FATAL:
        level = "warning"
    message = (
        f"image and label must lie in one place, the label lies up to {apart:.3g} voxels away "
        f"(origins {_origin(scan)} and {_origin(mask)} mm): use the label that was drawn on "
        "this scan"
    )
    return [Finding(case=case, level=level, rule=PLACE, message=message)]


def _origin(grid: Grid) -> str:
    return "(" + ", ".join(f"{row[3]:.2f}" for row in grid.affine[:3]) + ")"
