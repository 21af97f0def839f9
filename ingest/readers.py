"""A file or folder -> the reader of its format."""

from collections.abc import Sequence
from pathlib import Path

from ingest.dicom.signature import is_dicom
from ingest.names import is_itk
from ingest.scans.geometry import Grid
from ingest.scans.nifti import NiftiImage, NiftiLabel
from ingest.scans.nifti_forms import Form
from ingest.scans.volume import Scan, Volume


def open_image(
    path: Path,
    files: Sequence[Path] = (),
    *,
    fill_nan: int | None = None,
    form: Form | None = None,
) -> Scan:
    """Open a scan: a file with a volume, or a folder with one DICOM series.

    Args:
        path: The file or folder.
        files: The files of the series; all below the folder when empty.
        fill_nan: HU for voxels of a volume that are NaN or infinite; None refuses them.
        form: Which form of a NIfTI header counts where they differ; None refuses that.

    Raises:
        BadCaseError: If it is neither, or its header is damaged.
    """
    if path.is_dir():
        from ingest.dicom.scan import DicomVolume

        return DicomVolume(path, files)
    if is_itk(path):
        from ingest.scans.itk import ItkImage

        return ItkImage(path, fill_nan=fill_nan)
    return NiftiImage(path, fill_nan=fill_nan, form=form)


def open_label(
    path: Path,
    *,
    on: Grid | None = None,
    roi: Sequence[str] = (),
    tumor_labels: Sequence[int] = (),
    form: Form | None = None,
) -> Volume:
    """Open a tumor mask: a volume on a grid of its own, or contours or segments in DICOM.

    Args:
        path: The file.
        on: Grid of the scan, which a DICOM mask is placed on; a volume needs none.
        roi: Names of the regions in a DICOM file that are tumor, as in `Recipe.roi`.
        tumor_labels: Values in a volume that are tumor; empty accepts only 0 and 1.
        form: As in `open_image`.

    Raises:
        BadCaseError: If it is none, its header is damaged, or it has no such region.
    """
    if is_dicom(path):
        from ingest.dicom.masks.open import open_mask

        return open_mask(path, on=on, roi=roi)
    if is_itk(path):
        from ingest.scans.itk import ItkLabel

        return ItkLabel(path, tumor_labels=tumor_labels)
    return NiftiLabel(path, tumor_labels=tumor_labels, form=form)
