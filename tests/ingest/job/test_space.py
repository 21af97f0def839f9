"""A build that will not fit is refused before it begins."""

from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from ingest.case import Case
from ingest.job.one_case import Task
from ingest.job.space import check_space
from ingest.recipe import Recipe
from shards.errors import StoreError

RESERVE = 16 << 20


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 50), np.int16), np.eye(4)), path)
    return path


def task(image, *, compress=False, **recipe):
    case = Case(name="a", image=image, label=None, patient="a")
    recipe = Recipe(size=64, **recipe)
    return Task(case=case, recipe=recipe, out="o", compress=compress, fingerprint={})


def fits(tasks, free, present=()):
    target = SimpleNamespace(url="there", free_bytes=lambda: free)
    try:
        check_space(tasks, target, dict(present))
    except StoreError:
        return False
    return True


def test_the_room_that_is_needed_and_that_there_is_are_told(image):
    target = SimpleNamespace(url="there", free_bytes=lambda: 5_000_000)
    with pytest.raises(StoreError, match="there needs about 17 MB, its disk has 5 MB free: make"):
        check_space([task(image)], target, {})


@pytest.mark.parametrize(
    ("recipe", "slices"),
    [
        ({}, 20),
        ({"drop_slices": 10}, 40),
        ({"drop_mm": 5.0}, 45),
        ({"drop_outside_lungs": True}, 50),
    ],
)
def test_room_is_needed_for_each_slice_that_is_kept(image, recipe, slices):
    needed = slices * (2 * 64 * 64 + 4096)
    one = task(image, **recipe)
    assert fits([one], RESERVE + needed)
    assert not fits([one], RESERVE + needed - 1)
    assert fits([one] * 3, RESERVE + 3 * needed)
    assert not fits([one] * 3, RESERVE + 3 * needed - 1)


def test_compressed_slices_need_less(image):
    needed = 20 * (2 * 64 * 64 + 4096) - 1
    assert not fits([task(image)], RESERVE + needed)
    assert fits([task(image, compress=True)], RESERVE + needed)


def test_shards_that_are_built_anew_make_room_and_what_cannot_be_read_needs_none(image):
    assert fits([task(image)], RESERVE, {"a.tar": 10**9})
    assert fits([task(Path("/nowhere.nii"))], 0)
    assert fits([task(image)], None)
