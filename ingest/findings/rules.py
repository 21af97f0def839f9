"""What makes a case unfit, odd or worth a note.

Two moments, no reading of its own: `header_findings` when the headers are known, and `VoxelChecks`,
which is shown every plane as it passes and says at the end what it saw. `refuse` stops a case that
has a fatal finding. Whoever reads a case calls them on the way, so that `check` and `build-shards`
judge alike and no file is read twice.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from ingest.case import BadCaseError
from ingest.scans.geometry import Grid, same_place_voxels
from ingest.scans.planes import stored_downwards
from ingest.scans.volume import Volume

Level = Literal["fatal", "warning", "note"]

_APART_FATAL = 0.5  # voxels between image and label
_APART_WARNED = 0.01
_ANGLE_WARNED = 0.5  # degrees off a right angle between two axes
_AIR_HU = -1024
_NO_AIR_HU = -200  # a chest has lungs: some voxel must lie below
_BONE_OFFSET_HU = 2000  # above it with nothing below 0: stored numbers without their intercept


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something about a case that its user should know.

    Attributes:
        case: Name of the case.
        level: `fatal`: it cannot be built; `warning`: it can, and is likely wrong; `note`: fine.
        rule: Which rule speaks, one word.
        message: The rule, what was found, and what to do, in one line.
    """

    case: str
    level: Level
    rule: str
    message: str


def refuse(findings: Iterable[Finding]) -> None:
    """Stop a case that cannot be used.

    Raises:
        BadCaseError: If a finding is fatal; its message holds those of all that are.
    """
    fatal = [finding.message for finding in findings if finding.level == "fatal"]
    if fatal:
        raise BadCaseError("; ".join(fatal))


def header_findings(case: str, image: Grid, label: Grid | None) -> list[Finding]:
    """Judge what the headers say: image and label must be one grid once their axes are canonical.

    Args:
        case: Name of the case.
        image: Grid of the scan, as stored.
        label: Grid of the mask, as stored; None when there is none.

    Returns:
        The findings.
    """
    findings = [] if label is None else _of_pair(case, image, label)
    angle = skew_degrees(image)
    if angle > _ANGLE_WARNED:
        message = f"axes stand {angle:.2f} degrees off a right angle: slices are used as stored"
        findings.append(Finding(case=case, level="warning", rule="angle", message=message))
    return findings + _of_storage(case, image, label)


def skew_degrees(grid: Grid) -> float:
    """How far two axes of a grid are from standing at a right angle, in degrees, at worst."""
    axes = grid.matrix[:3, :3] / np.linalg.norm(grid.matrix[:3, :3], axis=0)
    cosines = np.abs(axes.T @ axes)[np.triu_indices(3, 1)]
    return float(np.degrees(np.arcsin(min(cosines.max(), 1.0))))


class VoxelChecks:
    """Sees the planes of one case as they are read, and judges at the end.

    Args:
        case: Name of the case.
        any_values: Accept values that look like no HU.
    """

    def __init__(self, case: str, *, any_values: bool = False) -> None:
        self._case = case
        self._any_values = any_values
        self._lowest, self._highest = 32767, -32768
        self._voxels = self._below_air = 0
        self._crcs: dict[int, int] = {}

    def see(self, z: int, plane: npt.NDArray[np.int16]) -> None:
        """Look at one plane of the scan: its canonical number and (height, width) HU, unclipped."""
        lowest, highest, *_ = cv2.minMaxLoc(plane)
        self._lowest = min(self._lowest, int(lowest))
        self._highest = max(self._highest, int(highest))
        self._voxels += plane.size
        if lowest < _AIR_HU:
            self._below_air += int(np.count_nonzero(plane < _AIR_HU))
        rows = len(plane)
        self._crcs[z] = isal_zlib.crc32(plane[rows * 3 // 8 : rows // 2 + 1])

    def findings(self) -> list[Finding]:
        """Judge the values, once all planes were seen."""
        spread = f"values lie in {self._lowest} to {self._highest}"
        if self._lowest >= 0 and self._highest > _BONE_OFFSET_HU and not self._any_values:
            return [
                Finding(
                    case=self._case,
                    level="fatal",
                    rule="values",
                    message=f"{spread}, not HU? Air must lie at -1000 HU: subtract the offset "
                    "(often 1024), or say --any-values",
                )
            ]
        if self._lowest > _NO_AIR_HU:
            message = f"{spread}, no HU of a chest? Lungs lie below {_NO_AIR_HU} HU"
            return [Finding(case=self._case, level="warning", rule="values", message=message)]
        return []

    def measures(self) -> dict[str, float]:
        """Numbers for the manifest."""
        return {
            "lowest_hu": self._lowest,
            "highest_hu": self._highest,
            "share_below_-1024_hu": round(self._below_air / max(self._voxels, 1), 6),
        }

    @property
    def content(self) -> int:
        """A key that scans with equal voxels share, however stored: of an eighth of all rows."""
        ordered = np.array([self._crcs[z] for z in sorted(self._crcs)], np.uint32)
        return isal_zlib.crc32(ordered.tobytes())


def remark_findings(case: str, image: Volume, label: Volume | None) -> list[Finding]:
    """What the readers of a scan and its mask remarked, once both were read: warnings."""
    remarks = [("image", text) for text in image.remarks]
    remarks += [("label", text) for text in (label.remarks if label else ())]
    return [Finding(case=case, level="warning", rule=rule, message=text) for rule, text in remarks]


def filled_findings(case: str, *, filled: int, hu: int | None) -> list[Finding]:
    """Say how many voxels had no number and were given one.

    Args:
        case: Name of the case.
        filled: Voxels.
        hu: What they were given.

    Returns:
        At most one warning.
    """
    if not filled:
        return []
    message = f"{filled} voxels without a number (NaN, infinite) were given {hu} HU"
    return [Finding(case=case, level="warning", rule="values", message=message)]


def duplicate_findings(contents: Mapping[str, Hashable]) -> list[Finding]:
    """Find scans that are there twice.

    Args:
        contents: For each case by name, a key that scans with equal voxels share.

    Returns:
        One warning for each case whose key an earlier one has.
    """
    first: dict[Hashable, str] = {}
    findings = []
    for case, content in sorted(contents.items()):
        earlier = first.setdefault(content, case)
        if earlier != case:
            message = f"has the voxels of {earlier}: a scan in two folds spoils scores, remove one"
            findings.append(Finding(case=case, level="warning", rule="twice", message=message))
    return findings


def leak_findings(
    training: Mapping[str, Hashable], test: Mapping[str, Hashable], *, shared: str
) -> list[Finding]:
    """Find what is on both sides of the split of a data set.

    Args:
        training: For each training case by name, a key: its patient, or one that scans with equal
            voxels share.
        test: The same of the test cases.
        shared: What cases with one key have in common, for people.

    Returns:
        One warning for each training case whose key a test case has too.
    """
    tested = {key: case for case, key in test.items()}
    return [
        Finding(
            case=case,
            level="warning",
            rule="split",
            message=f"has the {shared} of test case {tested[key]}: scores of the test set will be "
            "too good, remove one",
        )
        for case, key in sorted(training.items())
        if key in tested
    ]


def _of_storage(case: str, image: Grid, label: Grid | None) -> list[Finding]:
    """Say which files must be read whole, because their planes do not come in the scan's order."""
    messages = []
    if not image.streams:
        messages.append(
            f"stored as {image.orientation}: axial slices do not follow one another in the file, "
            "so that the scan is read whole into memory"
        )
    if label and _is_read_whole(label, image):
        messages.append(
            f"the label is stored as {label.orientation}, its scan as {image.orientation}: the "
            "label is read whole into memory"
        )
    return [Finding(case=case, level="warning", rule="storage", message=text) for text in messages]


def _is_read_whole(label: Grid, image: Grid) -> bool:
    """Whether a label must be read whole on its own account."""
    in_order = label.streams and stored_downwards(label) == stored_downwards(image)
    return not in_order and label.orientation != image.orientation


def _of_pair(case: str, image: Grid, label: Grid) -> list[Finding]:
    """Compare the grids of a scan and its mask."""
    scan, mask = image.canonical(), label.canonical()
    level: Level = "fatal"
    if scan.shape != mask.shape:
        message = (
            f"image and label must have one shape, found {image.shape} and {label.shape}: use the "
            "label that was drawn on this scan"
        )
        return [Finding(case=case, level=level, rule="shape", message=message)]
    apart = same_place_voxels(scan, mask)
    if apart <= _APART_WARNED:
        return []
    if apart <= _APART_FATAL:
        level = "warning"
    message = (
        f"image and label must lie in one place, the label lies up to {apart:.3g} voxels away "
        f"(origins {_origin(scan)} and {_origin(mask)} mm): use the label that was drawn on "
        "this scan"
    )
    return [Finding(case=case, level=level, rule="place", message=message)]


def _origin(grid: Grid) -> str:
    return "(" + ", ".join(f"{row[3]:.2f}" for row in grid.affine[:3]) + ")"
