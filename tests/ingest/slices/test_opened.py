"""A case is opened before a voxel is read, and its planes are numbered from the feet."""

import nibabel as nib
import numpy as np
import pytest

from ingest.case import BadCaseError, Case
from ingest.recipe import Recipe
from ingest.slices.opened import open_case


@pytest.fixture
def make(tmp_path):
    """Function that writes a scan whose slices hold their canonical number, in mm steps."""

    def written(step_mm, **case):
        hu = (
            np.zeros((3, 2, 5), np.int16)
            + np.arange(5, dtype=np.int16)[:: 1 if step_mm > 0 else -1]
        )
        nib.save(nib.Nifti1Image(hu, np.diag([1, 1, step_mm, 1])), tmp_path / "a.nii")
        nib.save(nib.Nifti1Image((hu == 2).astype(np.uint8), np.eye(4)), tmp_path / "b.nii")
        values = {"image": tmp_path / "a.nii", "label": tmp_path / "b.nii"} | case
        return Case(name="a", patient="a", **values)

    return written


@pytest.mark.parametrize(("step_mm", "numbers"), [(2, [0, 1, 2, 3, 4]), (-2, [4, 3, 2, 1, 0])])
def test_planes_have_their_number_from_the_feet_in_the_order_of_the_file(make, step_mm, numbers):
    opened = open_case(make(step_mm), Recipe())
    assert opened.downwards is (step_mm < 0)
    assert list(opened.numbers) == numbers
    assert [(z, int(plane[0, 0])) for z, plane in opened.planes()] == [(n, n) for n in numbers]


def test_a_problem_matters_where_there_is_a_label_and_else_the_scan_can_be_read(make):
    with pytest.raises(BadCaseError, match="two masks"):
        open_case(make(1, problem="two masks"), Recipe())
    assert open_case(make(1, problem="two masks", label=None), Recipe()).label is None


def test_the_recipe_says_which_values_are_tumor(make, tmp_path):
    label = tmp_path / "c.nii"
    nib.save(nib.Nifti1Image(np.full((3, 2, 5), 7, np.uint8), np.eye(4)), label)
    opened = open_case(make(1, label=label), Recipe(tumor_labels=(7,)))
    assert all(slab.all() for slab in opened.label.slabs())
