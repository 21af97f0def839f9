"""Where the results of a prediction go, and what may lie there before."""

from collections.abc import Sequence
from pathlib import Path

from ingest.case import Case
from lungseg.inference.errors import PredictError
from lungseg.inference.options import PredictOptions


def check_out(options: PredictOptions, scans: Sequence[Case]) -> None:
    """Refuse to replace a scan ever, and a result unless told so.

    Raises:
        PredictError: Before anything is read or written.
    """
    if options.out.exists() and not options.out.is_dir():
        raise PredictError(f"--out must be a folder, {options.out} is a file: choose another")
    targets = [path for scan in scans for path in targets_of(scan.name, options)]
    for scan in scans:
        if scan.image.resolve() in {path.resolve() for path in targets}:
            raise PredictError(
                f"the result would replace the scan {scan.image}: choose another --out"
            )
    present = [path for path in targets if path.exists()]
    if present and not options.overwrite:
        others = f" and {len(present) - 1} more" if len(present) > 1 else ""
        raise PredictError(
            f"{present[0]}{others} would be replaced: choose another --out, or add --overwrite"
        )


def targets_of(name: str, options: PredictOptions) -> list[Path]:
    """The files that a scan gets: its mask, and where asked for its animation."""
    mask = options.out / f"{name}.nii.gz"
    return [mask, options.out / f"{name}.gif"] if options.gif else [mask]
