"""Which slices a drop rule leaves, from the headers alone or from where the lungs are."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.case import BadCaseError, Case
from ingest.recipe import Recipe
from ingest.slices.kept import NoSliceKeptError, kept_slices
from ingest.slices.opened import open_case


@pytest.fixture
def opened(tmp_path):
    """Function that opens a scan of some slices of some mm."""

    def make(num_slices, step_mm, hu=-1000):
        path = tmp_path / "scan.nii"
        array = np.full((4, 4, num_slices), hu, np.int16)
        nib.save(nib.Nifti1Image(array, np.diag([1, 1, step_mm, 1])), path)
        return open_case(Case(name="a", image=path, label=None, patient="a"), Recipe())

    return make


RULES = st.one_of(
    st.builds(Recipe),
    st.builds(Recipe, drop_slices=st.integers(0, 70)),
    st.builds(Recipe, drop_mm=st.floats(0, 300)),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recipe=RULES, num_slices=st.integers(1, 60), step=st.sampled_from([0.5, 1.25, 2.5, 5.0]))
def test_the_upper_end_is_kept_whole_or_the_scan_is_refused(opened, recipe, num_slices, step):
    dropped = recipe.num_dropped(step)
    if dropped < num_slices:
        assert kept_slices(opened(num_slices, step), recipe) == range(dropped, num_slices)
    else:
        with pytest.raises(NoSliceKeptError, match=r"the recipe drops the lowest .*: lower --drop"):
            kept_slices(opened(num_slices, step), recipe)


def test_one_slice_is_one(opened):
    with pytest.raises(BadCaseError, match=r"the lowest 1 slice, .* has 1 slice of 2 mm: lower"):
        kept_slices(opened(1, 2.0), Recipe(drop_slices=1))


def test_a_scan_without_lung_has_nothing_outside_of_it(opened):
    with pytest.raises(BadCaseError, match=r"scan\.nii shows no lung: take the case out, or drop"):
        kept_slices(opened(3, 2.0, hu=40), Recipe(drop_outside_lungs=True))
