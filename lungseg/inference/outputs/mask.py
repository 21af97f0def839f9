"""The mask of a predicted scan, in the format that was asked for."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path

from ingest.case import BadCaseError, Case
from ingest.slices.mask_file import Plane, mask_file
from ingest.slices.opened import OpenCase
from ingest.slices.segmentation_file import segmentation_file
from lungseg.inference.errors import PredictError
from lungseg.inference.options import PredictOptions


def mask_of(
    opened: OpenCase, target: Path, decided_by: Mapping[str, str]
) -> AbstractContextManager[Callable[[Plane], object]]:
    """Open the file of a mask for writing, by its suffix.

    Args:
        opened: The scan.
        target: `.nii.gz`, or `.dcm` on a DICOM series.
        decided_by: What decided the mask, by name, which a DICOM-SEG holds.

    Returns:
        As `mask_file` and `segmentation_file` have it.
    """
    if target.suffix != ".dcm":
        return mask_file(opened, target)
    from ingest.dicom.segmentation import MadeBy

    made_by = MadeBy(name="lungseg", version=version("lungseg"), parameters=decided_by)
    return segmentation_file(opened, target, made_by)


def refuse_format(scans: list[Case], options: PredictOptions) -> None:
    """Refuse a format that a scan cannot have, before anything is read.

    Raises:
        PredictError: Names the first such scan, or what is not installed.
    """
    if options.format != "dicom-seg":
        return
    for scan in scans:
        if not scan.image.is_dir():
            raise PredictError(
                f"--format dicom-seg lies on a DICOM series, {scan.image} is none: use --format "
                "nifti, or give a folder of DICOM series alone"
            )
    from ingest.dicom.segmentation import needed_writer

    try:
        needed_writer()
    except BadCaseError as error:
        raise PredictError(str(error)) from error
