"""Slices as pictures for people: CT windowed to gray, outlines of masks, an animated GIF."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Picture = npt.NDArray[np.uint8]

WINDOW_HU = (-1000, 400)
"""Shows the lung's texture, and a tumor that touches the mediastinum as well."""

FRAME_MS = 100
"""How long an animation shows each picture."""

# Two colors of the Okabe-Ito palette: told apart with any color vision, and on any gray.
TRUTH_COLOR = (86, 180, 233)
PREDICTION_COLOR = (230, 159, 0)

_DASH = 4
_GRAYS = 62  # with the two colors a palette of 64: half the bytes of 256, hardly coarser
_TRUTH_INDEX, _PREDICTION_INDEX = _GRAYS, _GRAYS + 1


def outline_picture(
    image_hu: npt.NDArray[np.int16],
    truth: npt.NDArray[np.uint8] | None,
    prediction: npt.NDArray[np.uint8] | None,
    *,
    size: tuple[int, int] | None = None,
) -> Picture:
    """Draw a slice the way radiologists look at it, with the outlines of up to two masks.

    The patient's right is on the left and the front is up: both axes of the slice are flipped.
    The truth is a blue line, the prediction an orange one; where they coincide, they alternate.

    Args:
        image_hu: (h, w) HU; rows run from posterior to anterior, columns from left to right.
        truth: (h', w') over the same field of view, 0 is background; None where none is known.
        prediction: As `truth`.
        size: (height, width) of the picture; by default that of the image. Outlines are one pixel
            wide, so a larger picture has finer ones.

    Returns:
        (height, width, 3) RGB.
    """
    size = size or (image_hu.shape[0], image_hu.shape[1])
    picture = np.repeat(gray_picture(image_hu, size=size)[..., None], 3, axis=2)
    lines = [_outline(mask, size) for mask in (truth, prediction)]
    rows, columns = np.indices(size)
    shared = lines[0] & lines[1] & ((rows + columns) // _DASH % 2 == 0)
    picture[lines[1]] = PREDICTION_COLOR
    picture[lines[0] & (shared | ~lines[1])] = TRUTH_COLOR
    return picture


def gray_picture(
    image_hu: npt.NDArray[np.int16],
    *,
    size: tuple[int, int] | None = None,
) -> Picture:
    """A slice as gray values, in radiological view: the arguments of `outline_picture`.

    Returns:
        (height, width) gray.
    """
    low, high = WINDOW_HU
    shown = _flipped(image_hu).astype(np.float32)
    if size is not None and size != shown.shape:
        shrinks = size[0] < shown.shape[0]
        shown = cv2.resize(
            shown, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        )
    scaled = (shown - low) * np.float32(255 / (high - low))
    return np.asarray(np.clip(np.rint(scaled), 0, 255), np.uint8)


def contours(mask: npt.NDArray[np.uint8], *, size: tuple[int, int]) -> list[npt.NDArray[np.int32]]:
    """Outlines of a mask in the pixels of a radiological picture.

    Args:
        mask: (h, w), 0 is background.
        size: (height, width) of the picture.

    Returns:
        One closed polygon (k, 2) of (x, y) per border, borders of holes included.
    """
    found, _ = cv2.findContours(_fitted(mask, size), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [np.asarray(polygon[:, 0, :], np.int32) for polygon in found]


def picture_size(extent_mm: tuple[float, float], *, edge: int) -> tuple[int, int]:
    """Size of a picture with square pixels.

    Args:
        extent_mm: (height, width) of the field of view.
        edge: Pixels of the longer side.

    Returns:
        (height, width) in pixels.
    """
    longest = max(extent_mm)
    height, width = (max(1, round(edge * extent / longest)) for extent in extent_mm)
    return height, width


def caption(picture: Picture, text: str) -> Picture:
    """Write white text into a copy of an RGB picture: a line, and R at the patient's right."""
    drawn = Image.fromarray(picture)
    font = ImageFont.load_default(max(10, picture.shape[0] // 24))
    height = picture.shape[0]
    for place, words in (((6, height - 6), text), ((6, height // 2), "R")):
        ImageDraw.Draw(drawn).text(
            place, words, (255, 255, 255), font, anchor="ls", stroke_width=2, stroke_fill=(0, 0, 0)
        )
    return np.asarray(drawn)


def write_gif(pictures: Iterable[Picture], path: Path) -> int:
    """Write pictures as an endless animation.

    Equal neighbors would be merged into one frame: give each a caption that tells it apart.

    Args:
        pictures: (h, w, 3) RGB each, gray apart from outlines; all of one size, at least one.
        path: The file to write.

    Returns:
        Number of pictures written.
    """
    frames = [_indexed(picture) for picture in pictures]
    frames[0].save(
        path, format="GIF", save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0
    )
    return len(frames)


def png_bytes(picture: Picture) -> bytes:
    """A gray or RGB picture as the bytes of a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def webp_bytes(picture: Picture, *, quality: int) -> bytes:
    """A gray or RGB picture as the bytes of a (lossy) WebP file, a sixth of a PNG."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="WEBP", quality=quality, method=2)
    return stream.getvalue()


def _flipped(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values[::-1, ::-1]


def _fitted(mask: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A mask in radiological view at the picture's size: no foreground pixel gets lost."""
    shown = np.ascontiguousarray(_flipped(mask != 0), np.float32)
    if shown.shape == size:
        return np.asarray(shown, np.uint8)
    if size[0] < shown.shape[0]:
        fraction = cv2.resize(shown, size[::-1], interpolation=cv2.INTER_AREA)
        return np.asarray(fraction > 0, np.uint8)
    return np.asarray(cv2.resize(shown, size[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)


def _outline(mask: npt.NDArray[np.uint8] | None, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """(height, width): the mask's own pixels that touch the background."""
    if mask is None:
        return np.zeros(size, np.bool_)
    fitted = _fitted(mask, size)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    inner = cv2.erode(fitted, cross, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(fitted != inner)


def _indexed(picture: Picture) -> Image.Image:
    """A picture with a fixed palette, the same in every frame: grays and the two outlines."""
    indices = np.rint(picture[..., 0] * ((_GRAYS - 1) / 255)).astype(np.uint8)
    indices[(picture == TRUTH_COLOR).all(axis=2)] = _TRUTH_INDEX
    indices[(picture == PREDICTION_COLOR).all(axis=2)] = _PREDICTION_INDEX
    frame = Image.fromarray(indices, mode="L")
    grays = [value * 255 // (_GRAYS - 1) for value in range(_GRAYS) for _ in range(3)]
    frame.putpalette([*grays, *TRUTH_COLOR, *PREDICTION_COLOR])
    return frame
