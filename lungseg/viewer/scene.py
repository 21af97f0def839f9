"""A scan and its masks -> what the page loads."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

from ingest.case import BadCaseError
from ingest.readers import open_image, open_label
from ingest.scans.as_nifti import as_nifti
from lungseg.viewer.errors import ViewError

# color maps of NiiVue, and what they are on the page
COLORS = {"red": "red", "green": "lime", "blue": "blue", "copper": "#ffc77f", "violet": "violet"}
_ALL_LABELS = tuple(range(1, 256))


def scene(scan: Path, masks: Sequence[Path]) -> dict[str, bytes]:
    """Read the files.

    Args:
        scan: A volume, or a folder with one DICOM series.
        masks: Masks on it.

    Returns:
        By name: `scene.json`, and the volumes that it names, as NIfTI.

    Raises:
        ViewError: If a file cannot be read, or a mask has another shape than the scan.
    """
    for path in (scan, *masks):
        if not path.exists():
            raise ViewError(f"{path} does not exist: check the path")
    try:
        image = open_image(scan)
        files = {"scan.nii": as_nifti(image, "int16")}
        for number, path in enumerate(masks, start=1):
            mask = open_label(path, on=image.grid, roi=("*",), tumor_labels=_ALL_LABELS)
            if mask.grid.shape != image.grid.shape:
                raise ViewError(
                    f"a mask has the shape of its scan, {path} has {mask.grid.shape} and {scan} "
                    f"{image.grid.shape}: give the mask of this scan"
                )
            files[f"mask-{number}.nii"] = as_nifti(mask, "uint8")
    except BadCaseError as error:
        raise ViewError(str(error)) from error
    named = zip(told_apart(masks), itertools.cycle(COLORS.items()), strict=False)
    overlays = [
        {"file": f"mask-{number}.nii", "name": name, "color": color, "swatch": swatch}
        for number, (name, (color, swatch)) in enumerate(named, start=1)
    ]
    said = {"scan": {"file": "scan.nii", "name": scan.name}, "masks": overlays}
    return files | {"scene.json": json.dumps(said).encode()}


def told_apart(paths: Sequence[Path]) -> list[str]:
    """Names of files, with as many folders before all of them as make each a name of its own."""
    most = max((len(path.parts) for path in paths), default=1)
    for count in range(1, most + 1):
        names = ["/".join(path.parts[-count:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [path.name for path in paths]
