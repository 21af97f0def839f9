"""Where the results of a prediction go, and what may lie there before."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.case import Case
from lungseg.inference.errors import PredictError
from lungseg.inference.options import PredictOptions


def spare_scans(scans: Sequence[Case], options: PredictOptions) -> None:
    """Refuse to replace a scan, ever.

    Raises:
        PredictError: Before anything is read or written.
    """
    targets = {path.resolve() for scan in scans for path in targets_of(scan.name, options).all}
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
    targets = [path for scan in scans for path in targets_of(scan.name, options).all]
    present = [path for path in targets if path.exists()]
    if present and not options.overwrite:
        others = f" and {len(present) - 1} more" if len(present) > 1 else ""
        known = "" if options.skip_done else ", --skip-done to leave out what is done"
        origin = " (of another checkpoint, scan or options)" if options.skip_done else ""
        raise PredictError(
            f"{present[0]}{others}{origin} would be replaced: choose another --out, or add "
            f"--overwrite{known}"
        )


@dataclass(frozen=True)
class Targets:
    """The files that a scan gets.

    Attributes:
        mask: Its mask.
        probability: What each voxel's mask was decided by, where that was asked for.
        pictures: The pictures that were asked for.
    """

    mask: Path
    probability: Path | None
    pictures: tuple[Path, ...]

    @property
    def all(self) -> list[Path]:
        """Each of them."""
        own = [self.mask] if self.probability is None else [self.mask, self.probability]
        return [*own, *self.pictures]


def targets_of(name: str, options: PredictOptions) -> Targets:
    """Where the files of a scan go."""
    out = options.out
    pictures = {".gif": options.gif, ".mp4": options.mp4, ".png": options.contact_sheet}
    return Targets(
        mask=out / (f"{name}.dcm" if options.format == "dicom-seg" else f"{name}.nii.gz"),
        probability=out / "probabilities" / f"{name}.nii.gz" if options.probabilities else None,
        pictures=tuple(out / f"{name}{suffix}" for suffix, asked in pictures.items() if asked),
    )
