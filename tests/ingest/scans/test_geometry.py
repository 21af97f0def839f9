"""Axes are nibabel's, canonical views are its arrays, and every way there has a way back."""

import itertools

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.scans.geometry import Grid, as_affine, same_place_voxels, to_canonical

ORIENTATIONS = [
    "".join(codes)
    for axes in itertools.permutations(("LR", "PA", "IS"))
    for codes in itertools.product(*axes)
]


def grid_of(orientation, *, tilt=(0, 0, 0), shape=(4, 5, 6)):
    turn = nib.orientations.inv_ornt_aff(nib.orientations.axcodes2ornt(orientation), shape)[:3, :3]
    matrix = nib.eulerangles.euler2mat(*tilt) @ np.diag([0.7, 0.8, 2.5]) @ np.linalg.inv(turn)
    return Grid(shape=shape, affine=as_affine(nib.affines.from_matvec(matrix, [1, -2, 3])))


@pytest.mark.parametrize("tilt", [(0, 0, 0), (0.3, -0.2, 0.1), (0.6, 0.7, -0.5)])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_axes_and_canonical_arrays_are_those_of_nibabel(orientation, tilt):
    grid = grid_of(orientation, tilt=tilt)
    array = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    image = nib.Nifti1Image(array.astype(np.int16), grid.matrix)
    canonical = nib.as_closest_canonical(image)
    assert grid.orientation == "".join(nib.aff2axcodes(grid.matrix))
    assert grid.canonical().orientation == "RAS"
    assert grid.canonical().shape == canonical.shape
    np.testing.assert_allclose(grid.canonical().matrix, canonical.affine, atol=1e-12)
    np.testing.assert_array_equal(to_canonical(array, grid), canonical.get_fdata())


def test_a_voxel_is_as_large_as_its_steps_span_also_askew():
    grid = grid_of("SAR", tilt=(0.3, -0.2, 0.1))
    assert grid.voxel_mm3 == pytest.approx(0.7 * 0.8 * 2.5)
    assert np.linalg.norm(grid.axes_mm, axis=0) == pytest.approx(grid.spacing_mm)
    lean = np.array([[2.0, 0, 0, 0], [0, 3.0, 1.5, 0], [0, 0, 2.0, 0], [0, 0, 0, 1]])
    assert Grid(shape=(1, 1, 1), affine=as_affine(lean)).voxel_mm3 == pytest.approx(12)


@pytest.mark.parametrize("noise", range(20))
def test_the_noise_of_32_bits_changes_no_axis_half_way_between_two(noise):
    exact = np.array(grid_of("LPS", tilt=(np.radians(45), 0, 0)).affine)
    shaken = exact * (1 + np.random.default_rng(noise).uniform(-1e-7, 1e-7, (4, 4)))
    axes = [Grid(shape=(4, 5, 6), affine=as_affine(m)).axes for m in (exact, shaken)]
    assert axes[0] == axes[1]


def test_random_affines_have_the_axes_of_nibabel():
    rng = np.random.default_rng(0)
    for _ in range(300):
        matrix = nib.affines.from_matvec(rng.normal(size=(3, 3)), rng.normal(size=3))
        grid = Grid(shape=(3, 3, 3), affine=as_affine(matrix))
        assert grid.orientation == "".join(nib.aff2axcodes(matrix))
        np.testing.assert_allclose(grid.spacing_mm, nib.affines.voxel_sizes(matrix))


@pytest.mark.parametrize(
    "matrix", [np.zeros((4, 4)), np.diag([1, 1, 0, 1]), np.diag([1, np.nan, 1, 1]), np.ones((4, 4))]
)
def test_affines_that_span_no_space_are_refused(matrix):
    with pytest.raises(ValueError, match="an affine needs three"):
        _ = Grid(shape=(2, 2, 2), affine=as_affine(matrix)).axes


def test_distance_of_grids_is_that_of_the_farthest_corner_in_voxels():
    first = grid_of("RAS")
    moved = first.matrix
    moved[:3, 3] += [0.7, 0, 5.0]
    shifted = Grid(shape=first.shape, affine=as_affine(moved))
    assert same_place_voxels(first, first) == pytest.approx(0, abs=1e-9)
    assert same_place_voxels(first, shifted) == pytest.approx(2)


@st.composite
def oblique(draw):
    """A grid along any axes, turned by any angle short of where the nearest axis changes."""
    angles = draw(st.tuples(*[st.floats(-0.4, 0.4)] * 3))
    shape = draw(st.tuples(*[st.integers(1, 5)] * 3))
    return grid_of(draw(st.sampled_from(ORIENTATIONS)), tilt=angles, shape=shape)


@given(oblique(), st.data())
def test_every_voxel_keeps_its_place_and_value_on_the_way_to_canonical_axes_and_back(grid, data):
    array = np.arange(np.prod(grid.shape)).reshape(grid.shape)
    view, canonical = to_canonical(array, grid), grid.canonical()
    assert np.shares_memory(view, array)
    assert (canonical.orientation, view.shape) == ("RAS", canonical.shape)
    place = data.draw(st.tuples(*[st.integers(0, size - 1) for size in canonical.shape]))
    stored = np.unravel_index(view[place], grid.shape)
    np.testing.assert_allclose(
        canonical.matrix @ [*place, 1], grid.matrix @ [*stored, 1], atol=1e-9
    )


@given(oblique())
def test_canonical_axes_are_canonical_already_and_keep_every_length(grid):
    canonical = grid.canonical()
    assert canonical.canonical() == canonical
    assert sorted(canonical.spacing_mm) == pytest.approx(sorted(grid.spacing_mm))
    assert sorted(canonical.shape) == sorted(grid.shape)
    determinants = [abs(np.linalg.det(each.matrix)) for each in (grid, canonical)]
    assert determinants[0] == pytest.approx(determinants[1])


@given(oblique(), st.tuples(*[st.floats(-3, 3)] * 3))
def test_a_shift_moves_a_grid_by_its_longest_part_in_voxels(grid, shift):
    moved = grid.matrix
    moved[:3, 3] += moved[:3, :3] @ shift
    other = Grid(shape=grid.shape, affine=as_affine(moved))
    assert same_place_voxels(grid, other) == pytest.approx(np.abs(shift).max(), abs=1e-6)


def test_grids_that_grow_apart_are_farthest_apart_at_the_farthest_corner():
    first = Grid(shape=(5, 7, 11), affine=as_affine(np.diag([2.0, 3.0, 4.0, 1.0])))
    for axis, size in enumerate(first.shape):
        stretched = np.diag([2.0, 3.0, 4.0, 1.0])
        stretched[axis, axis] *= 1.5
        other = Grid(shape=first.shape, affine=as_affine(stretched))
        assert same_place_voxels(first, other) == pytest.approx(0.5 * (size - 1))
    shifted = np.diag([3.0, 3.0, 4.0, 1.0])  # stretched by half, and moved so that it ends alike
    shifted[0, 3] = -4.0
    other = Grid(shape=first.shape, affine=as_affine(shifted))
    assert same_place_voxels(first, other) == pytest.approx(2.0)
