"""One pass: every plane is watched, kept slices come from the feet up, every voxel is counted."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.case import Case
from ingest.recipe import Recipe
from ingest.slices.opened import open_case
from ingest.slices.read import read_slices

SHAPE = (12, 10, 7)


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def read(folder, hu, mask, kept, *, down, recipe):
    affine = np.diag([1.0, 2.0, -3.0 if down else 3.0, 1.0])
    way = np.s_[:, :, :: -1 if down else 1]
    for name, array in (("i", hu), ("m", mask)):
        nib.save(nib.Nifti1Image(array[way], affine), folder / f"{name}.nii")
    case = Case(name="a", image=folder / "i.nii", label=folder / "m.nii", patient="a")
    taken, watched = [], {}
    count = read_slices(
        open_case(case, recipe),
        recipe,
        kept,
        taken.append,
        watch=lambda z, plane: watched.update({z: plane.copy()}),
    )
    return count, taken, watched


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    ends=st.tuples(st.integers(0, 6), st.integers(1, 7)).filter(lambda ends: ends[0] < ends[1]),
    share=st.sampled_from([0.0, 0.005, 0.05, 0.5, 1.0]),
    down=st.booleans(),
    size=st.sampled_from([3, 5, 10, 12]),
    rule=st.sampled_from(["nearest", "area"]),
)
def test_each_tumor_voxel_is_kept_or_dropped_and_what_no_slice_shows_is_lost(
    folder, seed, ends, share, down, size, rule
):
    rng = np.random.default_rng(seed)
    hu = rng.integers(-3100, 4000, SHAPE, dtype=np.int16)
    mask = (rng.random(SHAPE) < share).astype(np.uint8)
    kept = range(*ends)
    recipe = Recipe(size=size, mask=rule)
    count, taken, watched = read(folder, hu, mask, kept, down=down, recipe=recipe)
    of_slice = mask.sum(axis=(0, 1), dtype=int)
    assert count.kept == of_slice[kept].sum()
    assert count.kept + count.dropped == mask.sum()
    shown = {record.z: bool(record.mask.any()) for record in taken}
    lost = [z for z in kept if of_slice[z] and not shown[z]]
    assert (count.slices_lost, count.lost) == (len(lost), of_slice[lost].sum())
    assert count.airy == np.count_nonzero(hu[mask != 0] < -700)
    assert [record.z for record in taken] == list(kept)
    assert {record.spacing_mm for record in taken} == {(12 / size, 2 * 10 / size, 3.0)}
    assert sorted(watched) == list(range(SHAPE[2]))
    for z, plane in watched.items():  # unclipped, though slices are clipped in the same memory
        np.testing.assert_array_equal(plane, hu[:, :, z].T)
