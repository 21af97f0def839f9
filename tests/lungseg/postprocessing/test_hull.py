"""The hull of the lungs on a slice."""

import numpy as np

from ingest.recipe import Recipe
from ingest.scans.geometry import Grid, as_affine
from lungseg.postprocessing.hull import LungHull


def chest(size=128):
    """(size, size) HU of a body in air with two lungs, in one of which a tumor touches the wall."""
    y, x = np.mgrid[:size, :size]
    image = np.full((size, size), -1000, np.int16)
    image[(x - 64) ** 2 / 55**2 + (y - 64) ** 2 / 40**2 < 1] = 40
    for center in (40, 88):
        image[(x - center) ** 2 / 15**2 + (y - 64) ** 2 / 28**2 < 1] = -850
    image[60:70, 22:32] = 40
    return image


def hull(image):
    grid = Grid(shape=(256, 256, 9), affine=as_affine(np.diag([1.5, 1.5, 3.0, 1.0])))
    return LungHull(grid, Recipe(size=128)).of(image)


def test_it_holds_the_lungs_and_a_tumor_at_their_wall_on_the_scans_pixels():
    found = hull(chest())
    assert found.shape == (256, 256)
    assert found[130, 80] == found[130, 176] == 1  # right and left lung
    assert found[130, 58] == 1  # the tumor
    assert found[130, 128] == found[130, 30] == found[10, 10] == 0  # between, ribs, air


def test_a_slice_without_lung_has_none():
    assert not hull(np.where(chest() == -850, 40, chest()).astype(np.int16)).any()
    assert not hull(np.full((128, 128), -1000, np.int16)).any()


def test_the_filling_around_a_crop_is_no_air_that_a_cut_lung_could_run_out_into():
    """Two thirds of the chest in the middle of slices of 300 mm: both lungs are cut."""
    crop = np.full((128, 128), -1000, np.int16)
    crop[34:94, 29:99] = chest()[34:94, 29:99]
    grid = Grid(shape=(70, 60, 9), affine=as_affine(np.diag([2.0, 2.0, 3.0, 1.0])))
    found = LungHull(grid, Recipe(size=128, pixel_mm=2.0)).of(crop)
    assert found.shape == (60, 70)
    assert found[30, 11] == found[30, 59] == 1
    assert found[30, 35] == 0
