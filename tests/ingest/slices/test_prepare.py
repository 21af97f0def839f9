"""What a recipe does to one plane, against oracles that say it in other words."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ingest.recipe import Recipe
from ingest.scans.geometry import Grid, as_affine
from ingest.slices.field import Field
from ingest.slices.prepare import prepare_image, prepare_mask
from tests.toy_masks import on_source_grid


def image_by(plane, recipe):
    """The slice that a recipe makes of a whole plane."""
    return prepare_image(plane, recipe, Field.whole(plane.shape, recipe.size))


def mask_by(plane, recipe):
    """The same of a mask."""
    return prepare_mask(plane, recipe, Field.whole(plane.shape, recipe.size))


RNG = np.random.default_rng(0)
SIDES = st.integers(1, 40)
PLANES = st.tuples(SIDES, SIDES).flatmap(lambda shape: arrays(np.int16, shape))
MASKS = st.tuples(SIDES, SIDES).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 1))
)


@given(plane=PLANES, clip=st.tuples(st.integers(-3000, 0), st.integers(1, 3000)), size=SIDES)
def test_no_value_leaves_the_clip_and_a_plane_of_the_size_is_only_clipped(plane, clip, size):
    low, high = clip
    image = image_by(plane.copy(), Recipe(size=size, clip=clip))
    assert (image.dtype, image.shape) == (np.int16, (size, size))
    assert low <= image.min() <= image.max() <= high
    if plane.shape == (size, size):
        np.testing.assert_array_equal(image, np.clip(plane, low, high))


@given(mask=MASKS, size=SIDES, rule=st.sampled_from(["nearest", "area"]))
def test_a_mask_stays_one_and_holds_no_tumor_that_was_not_there(mask, size, rule):
    small = mask_by(mask.copy(), Recipe(size=size, mask=rule))
    assert (small.dtype, small.shape) == (np.uint8, (size, size))
    assert set(np.unique(small)) <= set(np.unique(mask))


def test_what_was_prepared_keeps_no_memory_of_the_plane():
    recipe = Recipe(size=8)
    plane, mask = RNG.integers(-900, 900, (8, 8), np.int16), np.ones((8, 8), np.uint8)
    image, small = image_by(plane, recipe), mask_by(mask, recipe)
    before = image.copy()
    plane[:], mask[:] = 0, 0
    np.testing.assert_array_equal(image, before)
    assert small.all()


def interpolation(n, size):
    """(size, n) weights of bilinear interpolation between the centers of pixels."""
    places = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
    return np.maximum(0, 1 - np.abs(places[:, np.newaxis] - np.arange(n)))


@pytest.mark.parametrize("shape", [(40, 64), (64, 40), (64, 64), (33, 47)])
@pytest.mark.parametrize("size", [32, 40, 50, 64, 100])
def test_up_to_a_shrink_of_2_an_image_is_interpolated(shape, size):
    hu = RNG.integers(-1000, 3000, shape, dtype=np.int16)
    down, across = (interpolation(n, size) for n in shape)
    expected = down @ hu @ across.T
    assert np.abs(image_by(hu.copy(), Recipe(size=size)) - expected).max() <= 0.5 + 1e-2


@pytest.mark.parametrize("shape", [(65, 65), (40, 65), (100, 64), (77, 90)])
def test_beyond_a_shrink_of_2_an_image_is_the_mean_over_each_pixels_area(shape):
    hu = RNG.integers(-1000, 3000, shape, dtype=np.int16)
    expected = shares(hu, 32)
    assert np.abs(image_by(hu.copy(), Recipe(size=32)) - expected).max() <= 0.5 + 1e-2


def shares(mask, size):
    """Share of each pixel's area that is tumor, by the overlap of intervals along both axes."""
    height, width = (
        np.array(
            [
                [max(0.0, min(s + 1, (p + 1) * n / size) - max(s, p * n / size)) for s in range(n)]
                for p in range(size)
            ]
        )
        * (size / n)
        for n in mask.shape
    )
    return height @ mask @ width.T


@pytest.mark.parametrize("size", [7, 16, 24, 31, 32, 48])
def test_by_area_a_pixel_is_tumor_where_half_of_it_is(size):
    for shape in ((48, 48), (64, 96), (30, 90), (100, 20)):
        blobs = cv2.blur(RNG.random(shape).astype(np.float32), (7, 7))
        mask = (blobs > np.median(blobs)).astype(np.uint8)
        ours = mask_by(mask, Recipe(size=size, mask="area"))
        share = shares(mask, size)
        clear = np.abs(share - 0.5) > 1e-5
        np.testing.assert_array_equal(ours[clear], (share >= 0.5)[clear])
        assert ours[~clear].all()
        assert 0 < ours.mean() < 1


@pytest.mark.parametrize("size", [7, 16, 24, 31, 32, 48, 60])
def test_by_nearest_neighbor_a_pixel_is_what_lies_at_its_corner(size):
    mask = (RNG.random((48, 64)) < 0.5).astype(np.uint8)
    rows, columns = (np.arange(size) * n // size for n in mask.shape)
    ours = mask_by(mask, Recipe(size=size, mask="nearest"))
    np.testing.assert_array_equal(ours, mask[np.ix_(rows, columns)])


@pytest.mark.parametrize("shrink", [2, 3, 4, 8])
def test_a_pixel_of_a_smaller_image_is_the_mean_of_those_it_covers(shrink):
    hu = RNG.integers(-1000, 3000, (48, 48), dtype=np.int16)
    size = 48 // shrink
    mean = hu.reshape(size, shrink, size, shrink).mean(axis=(1, 3))
    assert np.abs(image_by(hu.copy(), Recipe(size=size)) - mean).max() <= 0.5 + 1e-6


def nodule(n, diameter):
    """A ball in (n, n, 9) voxels, at a random place."""
    center = [*RNG.uniform(n / 3, 2 * n / 3, 2), RNG.uniform(3.5, 4.5)]
    squares = [(np.arange(size) - c) ** 2 for size, c in zip((n, n, 9), center, strict=True)]
    return (sum(np.ix_(*squares)) <= (diameter / 2) ** 2).astype(np.uint8)


def ceiling(mask, rule, affine):
    """Dice of a mask that was made smaller by half and put back: what no model can exceed."""
    recipe = Recipe(size=len(mask) // 2, mask=rule)
    planes = [mask_by(np.ascontiguousarray(plane.T), recipe) for plane in np.moveaxis(mask, 2, 0)]
    grid = Grid(shape=mask.shape, affine=as_affine(affine))
    back = on_source_grid(planes, range(len(planes)), grid)
    return 2 * np.count_nonzero(back & mask) / (back.sum() + mask.sum())


@pytest.mark.parametrize("diameter_mm", [3.0, 4.0, 8.0])
def test_masks_by_area_leave_small_nodules_a_higher_dice_to_reach(diameter_mm):
    pixel_mm = 0.7  # of 512 x 512 scans; what lies around the nodule changes nothing
    affine = np.diag([pixel_mm, pixel_mm, pixel_mm, 1])
    nodules = [nodule(48, diameter_mm / pixel_mm) for _ in range(100)]
    nearest, area = (
        np.array([ceiling(mask, rule, affine) for mask in nodules]) for rule in ("nearest", "area")
    )
    assert area.mean() > nearest.mean() + 0.01
    assert np.mean(area >= nearest) > 0.9
