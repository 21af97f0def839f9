"""A scan is read as its recipe says, and whole where the recipe would leave nothing, said aloud."""

import numpy as np
import pytest

from ingest.case import Case
from ingest.recipe import Recipe
from lungseg.inference.read_scan import open_scan, read_views


@pytest.fixture
def case(tmp_path, scans):
    """A scan of 20 slices, whose label does not exist."""
    path = scans.write_scan(tmp_path / "a.nii.gz", scans.ball(), orientation="LPI")
    return Case(name="a", image=path, label=tmp_path / "absent.nii.gz", patient="a")


@pytest.mark.parametrize("drop", [0, 5, 19])
def test_both_ways_read_the_slices_that_the_recipe_keeps(case, caplog, drop):
    recipe = Recipe(size=16, drop_slices=drop)
    (view,) = read_views(case, [recipe])
    opened, kept = open_scan(case, recipe)
    assert list(view.z) == list(kept) == list(range(drop, 20))
    assert opened.grid == view.grid
    assert caplog.text == ""


def test_where_no_slice_would_be_left_all_are_read_and_that_is_said(case, caplog):
    recipe = Recipe(size=16, drop_slices=20)
    (view,) = read_views(case, [recipe])
    _, kept = open_scan(case, recipe)
    assert list(view.z) == list(kept) == list(range(20))
    first, second = caplog.messages
    assert first == second
    assert first.startswith("a: all slices are read, because the recipe drops the lowest 20")
    assert "--drop" not in first
    whole, _ = read_views(case, [recipe.keeping_all(), recipe])
    assert np.array_equal(view.images, whole.images)
