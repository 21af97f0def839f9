"""What a report shows of one case: gray slices, outlines as SVG paths, area slice by slice."""

import base64
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lungseg.report.pictures import contours, gray_picture, picture_size, webp_bytes

EDGE = 320
"""Pixels of a picture's longer side."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One slice, as the report shows it.

    Attributes:
        z: Slice of the scan, counted from the feet.
        image: WebP bytes, gray, in radiological view.
        truth: Outline of the label as SVG path data in the picture's pixels.
        prediction: Outline of the prediction, likewise.
        dropped: Whether the recipe drops the slice, so that the model never saw it.
    """

    z: int
    image: bytes
    truth: str
    prediction: str
    dropped: bool

    @property
    def base64(self) -> str:
        """The picture's bytes as text."""
        return base64.b64encode(self.image).decode("ascii")


@dataclass(frozen=True, kw_only=True)
class Filmstrip:
    """What a report shows of one case.

    Attributes:
        size: (height, width) of each picture.
        frames: Some slices, by z.
        truth_mm2: Labeled area of every slice of the scan, in mm².
        prediction_mm2: Predicted area of every slice of the scan, in mm².
        dropped: Slices that the model never saw.
    """

    size: tuple[int, int]
    frames: tuple[Frame, ...]
    truth_mm2: tuple[float, ...]
    prediction_mm2: tuple[float, ...]
    dropped: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Size of the frames in a report."""
        return sum(
            4 * len(frame.image) // 3 + len(frame.truth) + len(frame.prediction)
            for frame in self.frames
        )

    @property
    def key_frame(self) -> int:
        """Position of the frame to show first: where truth and prediction together are largest."""
        areas = [self.truth_mm2[f.z] + self.prediction_mm2[f.z] for f in self.frames]
        return int(np.argmax(areas))

    def as_data(self) -> list[dict[str, object]]:
        """The frames as plain data; the key frame's picture stands elsewhere in the page."""
        return [
            {
                "z": frame.z,
                "image": "" if position == self.key_frame else frame.base64,
                "truth": frame.truth,
                "prediction": frame.prediction,
                "dropped": frame.dropped,
            }
            for position, frame in enumerate(self.frames)
        ]

    def thinned(self, num_frames: int) -> "Filmstrip":
        """The same case with fewer frames; the key frame stays."""
        rows = np.linspace(0, len(self.frames) - 1, num_frames).round().astype(int)
        rows[np.abs(rows - self.key_frame).argmin()] = self.key_frame
        return replace(self, frames=tuple(self.frames[row] for row in sorted(set(rows.tolist()))))


def film(
    images: npt.NDArray[np.int16],
    truth: npt.NDArray[np.uint8],
    prediction: npt.NDArray[np.uint8],
    *,
    spacing_mm: tuple[float, float, float],
    dropped: tuple[int, ...],
    num_frames: int,
) -> Filmstrip:
    """Choose and draw the slices of a case.

    Args:
        images: (k, size, size) HU of every slice, in canonical axes: rows posterior to anterior.
        truth: (i, j, k) label in canonical axes (RAS).
        prediction: (i, j, k), likewise.
        spacing_mm: Voxel pitch along the canonical axes.
        dropped: Slices that the model never saw.
        num_frames: The most slices to show.

    Returns:
        The frames, and the areas of all slices.
    """
    pixel_mm2 = spacing_mm[0] * spacing_mm[1]
    areas = [np.count_nonzero(mask, axis=(0, 1)) * pixel_mm2 for mask in (truth, prediction)]
    extent_mm = truth.shape[1] * spacing_mm[1], truth.shape[0] * spacing_mm[0]
    size = picture_size(extent_mm, edge=EDGE)
    frames = [
        Frame(
            z=z,
            image=webp_bytes(gray_picture(images[z], size=size), quality=60),
            truth=svg_path(truth[:, :, z].T, size=size),
            prediction=svg_path(prediction[:, :, z].T, size=size),
            dropped=z in dropped,
        )
        for z in chosen_slices(areas[0] + areas[1], num_frames)
    ]
    return Filmstrip(
        size=size,
        frames=tuple(frames),
        truth_mm2=tuple(areas[0].round(1).tolist()),
        prediction_mm2=tuple(areas[1].round(1).tolist()),
        dropped=dropped,
    )


def chosen_slices(area: npt.NDArray[np.float64], num_slices: int) -> list[int]:
    """The slices of a scan worth a look.

    Args:
        area: (k,) what there is to see on each slice.
        num_slices: The most to choose.

    Returns:
        Ascending: those with something to see and a little around them, evenly thinned, the
        fullest among them; of a scan without any, slices from all over it.
    """
    shown = np.flatnonzero(area)
    first, last = (max(0, shown[0] - 2), shown[-1] + 2) if len(shown) else (0, len(area) - 1)
    last = min(last, len(area) - 1)
    rows = np.linspace(first, last, min(num_slices, last - first + 1)).round().astype(int)
    if len(shown):
        rows[np.abs(rows - area.argmax()).argmin()] = area.argmax()
    return sorted(set(rows.tolist()))


def svg_path(mask: npt.NDArray[np.uint8], *, size: tuple[int, int]) -> str:
    """Outlines of a mask as SVG path data in the pixels of a radiological picture."""
    if not mask.any():
        return ""
    return "".join(
        "M" + "L".join(f"{x}.5 {y}.5" for x, y in polygon.tolist()) + "Z"
        for polygon in contours(mask, size=size)
    )
