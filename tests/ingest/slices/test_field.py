"""What a slice shows of a plane: a square of one pitch in mm, cut from its middle and put back."""

import cv2
import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.findings.read_case import read_case
from ingest.recipe import Recipe
from ingest.scans.geometry import Grid
from ingest.slices.field import Field, slice_spacing_mm
from ingest.slices.prepare import prepare_mask
from ingest.slices.scan_slices import load_scan
from tests.ingest.slices.test_scan_slices import ORIENTATIONS, make_scan, save_case
from tests.toy_masks import on_source_grid

RNG = np.random.default_rng(0)
SIDES = st.integers(1, 40)


def grid_of(x_mm, y_mm, *, width=64, height=64):
    affine = ((x_mm, 0, 0, 0), (0, y_mm, 0, 0), (0, 0, 2, 0), (0, 0, 0, 1))
    return Grid(shape=(width, height, 4), affine=affine)


@given(plane=st.tuples(SIDES, SIDES), resampled=st.tuples(SIDES, SIDES), size=SIDES)
def test_what_is_cut_and_put_back_lies_where_it_was_and_nothing_lies_elsewhere(
    plane, resampled, size
):
    field = Field(plane=plane, resampled=resampled, size=size)
    back = field.back(np.ones((size, size), np.uint8))
    assert back.shape == plane
    whole = np.ones(plane, np.uint8)
    if all(n <= size for n in resampled):
        assert (back.all(), field.outside(whole)) == (True, 0)
    again = field.cut(back.astype(np.float32), cv2.INTER_NEAREST, beyond=-1)
    assert again.shape == (size, size)
    beyond = np.count_nonzero(again == -1)
    assert beyond == size**2 - np.prod([min(size, n) for n in resampled])


@given(plane=st.tuples(SIDES, SIDES), size=SIDES, seed=st.integers(0, 99), masked=st.booleans())
def test_on_pixels_of_the_scan_what_is_shown_comes_back_bit_by_bit(plane, size, seed, masked):
    field = Field(plane=plane, resampled=plane, size=size)
    dtype = np.uint8 if masked else np.float32
    values = np.random.default_rng(seed).integers(1, 200, plane).astype(dtype)
    back = field.back(field.cut(values, cv2.INTER_LINEAR))
    shown = field.back(np.ones((size, size), np.uint8)) != 0
    np.testing.assert_array_equal(back, np.where(shown, values, 0))
    assert np.count_nonzero(shown) == np.prod([min(size, n) for n in plane])
    mask = (values % 2).astype(np.uint8)
    assert field.outside(mask) == np.count_nonzero(mask & ~shown)


@pytest.mark.parametrize(("x_mm", "y_mm", "pixel_mm"), [(0.5, 0.7, 1.0), (2.0, 1.0, 1.5)])
def test_pixels_are_of_the_pitch_that_was_asked_for_to_half_a_pixel_over_the_plane(
    x_mm, y_mm, pixel_mm
):
    grid = grid_of(x_mm, y_mm, width=100, height=80)
    found = slice_spacing_mm(grid, Recipe(size=16, pixel_mm=pixel_mm))
    for pitch, extent_mm in zip(found, (100 * x_mm, 80 * y_mm), strict=False):
        assert abs(extent_mm / pitch - extent_mm / pixel_mm) <= 0.5
    assert found[2] == 2


def test_a_ball_is_as_large_in_pixels_whatever_the_scans_own():
    """12 mm in pixels of 1 mm, and in their middle, from scans of a third to 2 mm."""
    widths = []
    for pitch, count in ((1 / 3, 96), (0.8, 120), (2.0, 40)):
        places = (np.arange(count) - (count - 1) / 2) * pitch
        plane = (np.hypot(*np.meshgrid(places, places)) <= 6).astype(np.uint8)
        grid = grid_of(pitch, pitch, width=count, height=count)
        recipe = Recipe(size=48, pixel_mm=1.0)
        field = Field.of(grid, recipe)
        piece = prepare_mask(plane, recipe, field)
        middle = np.argwhere(piece).mean(axis=0)
        assert np.abs(middle - 23.5).max() <= 0.05
        widths.append(np.sqrt(piece.sum() / np.pi) * 2)
    assert max(widths) - min(widths) < 1.2
    assert np.mean(widths) == pytest.approx(12, abs=0.5)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_mask_goes_back_to_its_own_voxels_from_all_48_orientations(tmp_path, orientation):
    """Coarse blocks, of which a slice of twice the pitch shows all but the rim."""
    image, _ = make_scan((64, 48, 5))
    coarse = (RNG.random((32, 24, 5)) < 0.3).astype(np.uint8)
    blocks = np.kron(coarse, np.ones((2, 2, 1), np.uint8))
    affine = np.diag([0.7, 0.7, 2.5, 1.0])
    case = save_case(tmp_path, image, blocks, orientation=orientation, affine=affine)
    recipe = Recipe(size=28, pixel_mm=1.4, drop_slices=0)
    records = []
    summary = read_case(case, recipe, records.append)
    scan = load_scan(case.image, recipe)
    np.testing.assert_array_equal(scan.images, [record.image for record in records])
    shown = np.zeros((64, 48, 5), np.uint8)
    shown[4:-4] = 1
    back = on_source_grid([r.mask for r in records], scan.z, scan.grid, field=scan.field)
    turned = save_case(tmp_path / "shown", image, blocks * shown, orientation=orientation,
                       affine=affine)  # fmt: skip
    np.testing.assert_array_equal(back, np.asanyarray(nibabel.load(turned.label).dataobj))
    assert summary.tumor.cropped == (blocks * (1 - shown)).sum()
    assert summary.tumor.kept == blocks.sum()


def test_beyond_the_scan_a_slice_shows_the_lowest_value():
    recipe = Recipe(size=20, pixel_mm=1.0, clip=(-900, 300))
    field = Field.of(grid_of(1, 1, width=10, height=12), recipe)
    piece = field.cut(np.full((12, 10), 50, np.int16), cv2.INTER_LINEAR, beyond=-900)
    assert (piece == 50).sum() == 120
    assert (piece[4:16, 5:15] == 50).all()
    assert set(np.unique(piece)) == {-900, 50}
