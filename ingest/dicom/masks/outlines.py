"""The outlines of one region on one slice -> its pixels: rings stay rings, overlaps are a union."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ingest.dicom.masks.polygons import Polygon, area_of, fill_even_odd, length_of

Mask = npt.NDArray[np.uint8]

_THINNEST_WALL = 0.5  # pixels: outlines that lie nearer to each other all around are one


@dataclass(frozen=True, kw_only=True, eq=False)
class Filled:
    """The pixels of a region on a slice, and what was special about its outlines.

    Attributes:
        mask: (rows, columns) uint8, 1 inside.
        area: What the polygons themselves enclose, in pixels, by the same rules.
        length: Length of all outlines, in pixels.
        twins: Outlines that are there again, and count once.
        overlaps: Outlines that cross another one, and count as a union.
        empty: Outlines that enclose no pixel center.
    """

    mask: Mask
    area: float
    length: float
    twins: int
    overlaps: int
    empty: int


@dataclass(kw_only=True, eq=False)
class _Outline:
    """An outline, its pixels, and how many others lie around it, one within the other."""

    polygon: Polygon
    mask: Mask
    pixels: int
    area: float
    level: int = 0
    crosses: bool = False
    is_twin: bool = False


def fill_outlines(polygons: Sequence[Polygon], shape: tuple[int, int], *, xor: bool) -> Filled:
    """Fill the outlines of one region on one slice.

    An outline within another is a hole, one within that hole an island, and so on; outlines that
    cross are one around both; one that is there twice counts once. Each by itself is filled by the
    even-odd rule, so that a channel of no width joins a hole to its rim.

    Args:
        polygons: (n, 2) vertices each, (column, row) in pixels.
        shape: (rows, columns) of the mask.
        xor: Where outlines cross they cut each other out instead (`CLOSEDPLANAR_XOR`).
    """
    outlines = _nested([_outline(polygon, shape) for polygon in polygons])
    single = [outline for outline in outlines if not outline.is_twin]
    mask = np.zeros(shape, np.uint8)
    if xor:
        mask = fill_even_odd([outline.polygon for outline in single], shape)
    else:
        for outline in single:
            mask[outline.mask != 0] = outline.level % 2 == 0
    overlaps = sum(outline.crosses for outline in single)
    signed = sum((-1) ** outline.level * outline.area for outline in single)
    return Filled(
        mask=mask,
        area=float(cv2.countNonZero(mask)) if overlaps else signed,
        length=sum(map(length_of, polygons)),
        twins=len(outlines) - len(single),
        overlaps=0 if xor else overlaps,
        empty=sum(not outline.pixels for outline in single),
    )


def _outline(polygon: Polygon, shape: tuple[int, int]) -> _Outline:
    mask = fill_even_odd([polygon], shape)
    return _Outline(
        polygon=polygon, mask=mask, pixels=cv2.countNonZero(mask), area=area_of(polygon)
    )


def _nested(outlines: list[_Outline]) -> list[_Outline]:
    """The outlines, largest first, each with its place among the larger ones."""
    ordered = sorted(outlines, key=lambda outline: (outline.pixels, outline.area), reverse=True)
    for place, inner in enumerate(ordered):
        for outer in ordered[:place]:
            if not outer.is_twin and not inner.is_twin:
                _compare(outer, inner)
    return ordered


def _compare(outer: _Outline, inner: _Outline) -> None:
    """Say of the smaller of two outlines whether it lies within, across or on the other."""
    if not inner.pixels or not _boxes_meet(outer.polygon, inner.polygon):
        return
    shared = cv2.countNonZero(outer.mask & inner.mask)
    if shared == inner.pixels:
        wall = outer.area - inner.area
        inner.is_twin = wall < _THINNEST_WALL * length_of(inner.polygon)
        inner.level = max(inner.level, outer.level + 1)
    elif shared:
        outer.crosses = inner.crosses = True


def _boxes_meet(first: Polygon, second: Polygon) -> bool:
    gap = np.maximum(first.min(axis=0), second.min(axis=0)) - np.minimum(
        first.max(axis=0), second.max(axis=0)
    )
    return bool((gap <= 0).all())
