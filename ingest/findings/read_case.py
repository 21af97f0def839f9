"""A case -> its slices, and at the end of the pass all that is to be said about it."""

from collections.abc import Callable
from dataclasses import dataclass

from ingest.case import Case
from ingest.findings.finding import Finding, refuse
from ingest.findings.headers import drop_findings, header_findings, skew_degrees
from ingest.findings.posture import PostureChecks
from ingest.findings.reading import filled_findings, remark_findings
from ingest.findings.tumor import tumor_findings
from ingest.findings.voxels import VoxelChecks
from ingest.recipe import Recipe
from ingest.scans.geometry import Grid
from ingest.slices.kept import kept_slices
from ingest.slices.opened import OpenCase, open_case
from ingest.slices.read import Image, read_slices
from ingest.slices.tumor_count import TumorCount
from shards.record import Slice

VOXELS_CRC32 = "voxels_crc32"
"""Name of the measure that scans with equal voxels share."""


@dataclass(frozen=True, kw_only=True)
class CaseSummary:
    """What is known of a case that was read to its end and may be used.

    Attributes:
        grid: The scan's own grid.
        kept: Canonical numbers of the slices that the recipe keeps.
        tumor: Tumor voxels of the source, by what became of them.
        findings: What there is to say about the case; none is fatal.
        measures: Numbers for the manifest.
    """

    grid: Grid
    kept: range
    tumor: TumorCount
    findings: list[Finding]
    measures: dict[str, float]

    @property
    def num_dropped(self) -> int:
        """Slices that the recipe leaves out."""
        return self.grid.canonical().shape[2] - len(self.kept)


def read_case(case: Case, recipe: Recipe, take: Callable[[Slice], object]) -> CaseSummary:
    """Read a case once, from the feet up, in constant memory, and judge it.

    Args:
        case: The case; without a label, masks are empty.
        recipe: The recipe.
        take: Called with each slice that the recipe keeps, before the case is judged as a whole.

    Returns:
        What was seen on the way.

    Raises:
        BadCaseError: If the case has a problem, a file is damaged, the recipe drops every slice, or
            a finding is fatal.
    """
    opened = open_case(case, recipe)
    findings = header_findings(case.name, opened.grid, opened.label.grid if opened.label else None)
    refuse(findings)
    findings += drop_findings(case.name, opened.grid, recipe)
    kept = kept_slices(opened, recipe)
    checks = VoxelChecks(case.name, any_values=recipe.any_values)
    posture = PostureChecks(case.name, opened.grid)

    def watch(z: int, plane: Image) -> None:
        checks.see(z, plane)
        posture.see(z, plane)

    count = read_slices(opened, recipe, kept, take, watch=watch)
    findings += checks.findings() + posture.findings() + _of_pass(opened, recipe, count)
    refuse(findings)
    return CaseSummary(
        grid=opened.grid,
        kept=kept,
        tumor=count,
        findings=findings,
        measures=_measures(opened, checks, count),
    )


def _of_pass(opened: OpenCase, recipe: Recipe, count: TumorCount) -> list[Finding]:
    """What the readers and the mask say, once all was read."""
    name = opened.case.name
    filled = filled_findings(name, filled=opened.image.filled, hu=recipe.fill_nan)
    remarked = remark_findings(name, opened.image, opened.label)
    tumor = tumor_findings(name, count, recipe) if opened.label else []
    return filled + remarked + tumor


def _measures(opened: OpenCase, checks: VoxelChecks, count: TumorCount) -> dict[str, float]:
    of_label = opened.label.measures if opened.label else {}
    return {
        **checks.measures(),
        **count.measures(),
        **opened.image.measures,
        **of_label,
        "axes_off_degrees": round(skew_degrees(opened.grid), 4),
        VOXELS_CRC32: checks.content,
    }
