"""What is to be said of a tumor that did not come whole into the slices."""

from ingest.findings.finding import Finding, Level
from ingest.recipe import Recipe
from ingest.slices.read import LUNG_HU
from ingest.slices.tumor_count import TumorCount
from shards.console.words import counted

_AIRY_SHARE = 0.65  # of a tumor's voxels; 0.57 in a real one of ground glass

LOST = "lost"
"""The rule that speaks where nothing of a tumor is left."""


def tumor_findings(case: str, count: TumorCount, recipe: Recipe) -> list[Finding]:
    """Judge what became of the tumor of a case.

    Args:
        case: Name of the case.
        count: What was counted.
        recipe: What the case was read by.

    Returns:
        The findings: at most one about what was lost, and one about where the mask lies.
    """
    return _of_place(case, count) + _of_loss(case, count, recipe)


def _of_place(case: str, count: TumorCount) -> list[Finding]:
    """A mask that lies the other way round than its scan marks lung and air for the most part."""
    share = count.airy / max(1, count.kept + count.dropped)
    if share < _AIRY_SHARE:
        return []
    message = (
        f"{share:.0%} of the tumor's voxels are air or healthy lung (below {LUNG_HU} HU): look "
        "whether the mask lies the other way round than its scan"
    )
    return [Finding(case=case, level="warning", rule="mask", message=message)]


def _of_loss(case: str, count: TumorCount, recipe: Recipe) -> list[Finding]:
    level: Level = "warning"
    if not count.kept and not count.dropped:
        level, message = "note", "the label marks no tumor"
    else:
        ways = _ways(count, recipe)
        if not ways:
            return []
        message = "; ".join(ways)
        if count.lost + count.cropped == count.kept:
            return [
                Finding(case=case, level=level, rule=LOST, message=f"ALL TUMOR LOST: {message}")
            ]
    return [Finding(case=case, level=level, rule="tumor", message=message)]


def _ways(count: TumorCount, recipe: Recipe) -> list[str]:
    """In which ways tumor was lost, each with what keeps it."""
    said = [_dropped(count)] * bool(count.dropped)
    said += [_cropped(count, recipe)] * bool(count.cropped)
    return said + [_lost(count, recipe)] * bool(count.lost)


def _cropped(count: TumorCount, recipe: Recipe) -> str:
    edge_mm = recipe.size * (recipe.pixel_mm or 0)
    return (
        f"{count.cropped:,} of {counted(count.dropped + count.kept, 'tumor voxel')} lie outside "
        f"the {edge_mm:g} mm that a slice shows: use a larger --size or --pixel-mm"
    )


def _dropped(count: TumorCount) -> str:
    if count.kept:
        total = count.dropped + count.kept
        what = f"{count.dropped:,} of {total:,} tumor voxels lie in slices that are dropped"
    else:
        what = f"{counted(count.dropped, 'tumor voxel')}, all in slices that are dropped"
    return f"{what}: keep them with --drop-slices 0, or drop by --drop-mm or --drop-outside-lungs"


def _lost(count: TumorCount, recipe: Recipe) -> str:
    """Thin masks vanish by the area rule more often than by nearest neighbor."""
    other = " or --mask nearest" if recipe.mask == "area" else ""
    slices = counted(count.slices_lost, "slice")
    voxels = counted(count.dropped + count.kept, "tumor voxel")
    return (
        f"the mask is empty at --size {recipe.size} in {slices} with {count.lost:,} of {voxels}: "
        f"use a larger --size{other}"
    )
