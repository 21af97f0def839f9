"""Where the results of a prediction go, and what may lie there before."""

from collections.abc import Sequence
from pathlib import Path

from ingest.case import Case
from lungseg.inference.errors import PredictError
from lungseg.inference.options import PredictOptions


def spare_scans(scans: Sequence[Case], options: PredictOptions) -> None:
    """Refuse to replace a scan, ever.

    Raises:
        PredictError: Before anything is read or written.
    """
    targets = {path.resolve() for scan in scans for path in targets_of(scan.name, options)}
    for scan in scans:
        if scan.image.resolve() in targets:
            raise PredictError(
                f"the result would replace the scan {scan.image}: choose another --out"
            )


def refuse_to_replace(scans: Sequence[Case], options: PredictOptions) -> None:
    """Refuse to replace the results of scans, unless told so.

    Raises:
        PredictError: Names what lies there.
    """
    present = [path for scan in scans for path in targets_of(scan.name, options) if path.exists()]
    if present and not options.overwrite:
        others = f" and {len(present) - 1} more" if len(present) > 1 else ""
        known = "" if options.skip_done else ", --skip-done to leave out what is done"
        origin = " (of another checkpoint, scan or options)" if options.skip_done else ""
        raise PredictError(
            f"{present[0]}{others}{origin} would be replaced: choose another --out, or add "
            f"--overwrite{known}"
        )


def targets_of(name: str, options: PredictOptions) -> list[Path]:
    """The files that a scan gets: its mask, and the pictures that were asked for."""
    mask = options.out / (f"{name}.dcm" if options.format == "dicom-seg" else f"{name}.nii.gz")
    pictures = {".gif": options.gif, ".mp4": options.mp4, ".png": options.contact_sheet}
    return [mask, *(options.out / f"{name}{suffix}" for suffix, asked in pictures.items() if asked)]
