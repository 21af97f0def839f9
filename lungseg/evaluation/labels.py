"""A mask file of a scan -> tumor voxels on the scan's grid, whatever the mask's own axes."""

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ingest.case import BadCaseError, Case
from ingest.findings.finding import refuse
from ingest.findings.headers import PLACE, header_findings
from ingest.readers import open_label
from ingest.recipe import Recipe
from ingest.scans.geometry import Grid, to_canonical
from ingest.scans.volume import whole

logger = logging.getLogger(__name__)

Mask = npt.NDArray[np.uint8]


def canonical_mask(path: Path, case: Case, grid: Grid, recipe: Recipe) -> Mask:
    """Read a mask in the canonical axes that it shares with its scan.

    Args:
        path: The mask: NIfTI, or DICOM contours or segments.
        case: The scan.
        grid: Its grid.
        recipe: Says which label values, and which regions, are tumor.

    Returns:
        (i, j, k) uint8 (0, 1), right, anterior and superior ascending.

    Raises:
        BadCaseError: If the file is damaged, or its voxels are not those of the scan.
    """
    mask = open_label(
        path,
        on=grid,
        roi=case.roi,
        tumor_labels=recipe.tumor_labels,
        form=recipe.nifti_form,
    )
    findings = header_findings(case.name, grid, mask.grid)
    try:
        refuse(findings)
    except BadCaseError as error:
        raise BadCaseError(f"{path} does not fit {case.image}: {error}") from error
    for finding in findings:
        if finding.rule == PLACE:
            logger.warning("%s does not quite fit %s: %s", path, case.image, finding.message)
    return np.asarray(to_canonical(whole(mask, np.uint8), mask.grid))
