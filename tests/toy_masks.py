"""Masks in memory as files, for tests."""

from pathlib import Path

import numpy as np

from ingest.case import Case
from ingest.recipe import Recipe
from ingest.scans.geometry import to_canonical
from ingest.slices.mask_file import mask_file
from ingest.slices.opened import open_case


def write_mask(mask, like, out, recipe=None):
    """Write a mask along the stored axes of a scan: a path, or a case."""
    if isinstance(like, Path):
        like = Case(name="scan", image=like, label=None, patient="scan")
    opened = open_case(like, recipe or Recipe())
    planes = to_canonical(mask, opened.grid)
    with mask_file(opened, out) as put:
        for z in opened.numbers:
            put(np.ascontiguousarray(planes[:, :, z].T))
