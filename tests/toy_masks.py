"""Masks in memory as files, for tests."""

from pathlib import Path

import numpy as np

from ingest.case import Case
from ingest.recipe import Recipe
from ingest.scans.geometry import to_canonical
from ingest.slices.field import Field
from ingest.slices.mask_file import mask_file
from ingest.slices.opened import open_case


def on_source_grid(slices, z, grid, *, field=None):
    """Masks of slices, or probabilities of 1/2 or more, along the stored axes of their scan."""
    mask = np.zeros(grid.shape, np.uint8)
    planes = to_canonical(mask, grid)
    width, height, _ = planes.shape
    for number, piece in zip(z, slices, strict=True):
        shown = field or Field.whole((height, width), len(piece))
        planes[:, :, number] = (shown.back(piece) >= 0.5).T
    return mask


def write_mask(mask, like, out, recipe=None):
    """Write a mask along the stored axes of a scan: a path, or a case."""
    if isinstance(like, Path):
        like = Case(name="scan", image=like, label=None, patient="scan")
    opened = open_case(like, recipe or Recipe())
    planes = to_canonical(mask, opened.grid)
    with mask_file(opened, out) as put:
        for z in opened.numbers:
            put(np.ascontiguousarray(planes[:, :, z].T))
