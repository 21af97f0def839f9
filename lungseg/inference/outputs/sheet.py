"""Slices of a predicted scan on one picture, for a paper or a mail."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lungseg.report.pictures import Picture, png_bytes

COLUMNS, MOST = 5, 20
_GAP, _PAPER = 4, 255  # pixels between slices, and their gray


def write_sheet(pictures: Mapping[int, Picture], areas: Mapping[int, int], path: Path) -> None:
    """Write a contact sheet as PNG.

    Args:
        pictures: (h, w, 3) RGB by the number of the slice, all of one size, at least one.
        areas: Pixels of tumor by the number of the slice.
        path: The file to write.

    Raises:
        OSError: If it cannot be written.
    """
    tiles = [pictures[z] for z in chosen(areas)]
    edges = ((0, _GAP), (0, _GAP), (0, 0))
    framed = [np.pad(tile, edges, constant_values=_PAPER) for tile in tiles]
    columns = min(COLUMNS, len(framed))
    framed += [np.full_like(framed[0], _PAPER)] * (-len(framed) % columns)
    rows = [np.hstack(framed[start : start + columns]) for start in range(0, len(framed), columns)]
    path.write_bytes(png_bytes(np.vstack(rows)[:-_GAP, :-_GAP]))


def chosen(areas: Mapping[int, int]) -> list[int]:
    """The slices on a sheet: those with tumor, or all without any; of many, evenly some.

    The slice with the most tumor is always among them.

    Args:
        areas: Pixels of tumor by the number of the slice.
    """
    numbers = sorted(z for z in areas if areas[z]) or sorted(areas)
    places = np.linspace(0, len(numbers) - 1, min(MOST, len(numbers))).round().astype(int).tolist()
    shown = {numbers[place] for place in places}
    largest = max(numbers, key=lambda z: areas[z])
    if areas[largest] and largest not in shown:
        shown.remove(min(shown, key=lambda z: abs(z - largest)))
        shown.add(largest)
    return sorted(shown)
