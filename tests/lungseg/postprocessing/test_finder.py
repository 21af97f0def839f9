"""From probabilities of slices to the lesions that are kept."""

import numpy as np

from ingest.recipe import Recipe
from ingest.scans.geometry import Grid, as_affine
from lungseg.postprocessing.finder import Finder
from lungseg.postprocessing.rules import Rules

GRID = Grid(shape=(16, 16, 6), affine=as_affine(np.diag([1.0, 1.0, 1.0, 1.0])))
AIR = np.full((16, 16), -1000, np.int16)


def members(*values):
    """(members, 16, 16): a large lesion, and a voxel by itself, of these probabilities."""
    found = np.zeros((len(values), 16, 16), np.float32)
    for plane, value in zip(found, values, strict=True):
        plane[2:6, 2:6] = plane[12, 12] = value
    return found


def seen(rules, *values):
    finder = Finder(GRID, Recipe(size=16), threshold=0.5, rules=rules)
    masks = [finder.see(z, AIR, members(*values))[0] for z in range(2, 4)]
    return finder, masks


def test_what_the_rules_drop_is_neither_in_the_mask_nor_in_the_table():
    finder, masks = seen(Rules(smallest_mm3=3), 0.8)
    assert [mask.sum() for mask in masks] == [17, 17]
    left = [finder.kept(z, mask) for z, mask in zip((2, 3), masks, strict=True)]
    assert [mask.sum() for mask in left] == [16, 16]
    (row,) = finder.lesions()
    assert (row["volume_ml"], row["first_slice"], row["last_slice"]) == (0.032, 2, 3)
    assert finder.num_dropped == 1
    assert finder.volume_interval_ml() is None


def test_without_rules_all_is_kept():
    finder, masks = seen(Rules(), 0.8)
    assert finder.kept(2, masks[0]) is masks[0]
    assert (len(finder.lesions()), finder.num_dropped) == (2, 0)


def test_members_are_averaged_and_each_has_its_volume():
    finder, masks = seen(Rules(), 0.9, 0.4, 0.6)
    assert finder.lesions()[0]["highest_probability"] == 0.6333
    assert masks[0].sum() == 17
    assert finder.volume_interval_ml() == (0.0, 0.034)


def test_lesions_in_air_touch_no_lung():
    assert seen(Rules(lung_hull=True), 0.8)[0].lesions() == []
