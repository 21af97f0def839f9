"""What is to be said of a tumor that did not come whole into the slices."""

from ingest.findings.finding import Finding, Level
from ingest.recipe import Recipe
from ingest.slices.tumor_count import TumorCount


def tumor_findings(case: str, count: TumorCount, recipe: Recipe) -> list[Finding]:
    """Judge what became of the tumor of a case.

    Args:
        case: Name of the case.
        count: What was counted.
        recipe: What the case was read by.

    Returns:
        At most one finding.
    """
    level: Level = "warning"
    if not count.kept and not count.dropped:
        level, message = "note", "the label marks no tumor"
    else:
        ways = [_dropped(count)] * bool(count.dropped) + [_lost(count, recipe)] * bool(count.lost)
        if not ways:
            return []
        message = "ALL TUMOR LOST: " * (count.lost == count.kept) + "; ".join(ways)
    return [Finding(case=case, level=level, rule="tumor", message=message)]


def _dropped(count: TumorCount) -> str:
    if count.kept:
        total = count.dropped + count.kept
        return f"{count.dropped} of {total} tumor voxels lie in slices that are dropped"
    return (
        f"all {count.dropped} tumor voxels lie in slices that are dropped: drop fewer with "
        "--drop-slices, or by --drop-mm or --drop-outside-lungs"
    )


def _lost(count: TumorCount, recipe: Recipe) -> str:
    """Thin masks vanish by the area rule more often than by nearest neighbor."""
    other = " or --mask nearest" if recipe.mask == "area" else ""
    return (
        f"the mask is empty at --size {recipe.size} in {count.slices_lost} slices with "
        f"{count.lost} of {count.dropped + count.kept} tumor voxels: use a larger --size{other}"
    )
