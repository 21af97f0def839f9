"""What `check` finds about a case is what a build would say, or each file by itself."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from ingest.case import Case
from ingest.findings.of_case import Examination, examine
from ingest.findings.read_case import VOXELS_CRC32, read_case
from ingest.recipe import Recipe

SHAPE = (16, 16, 6)
HU = np.random.default_rng(0).integers(-1000, 500, SHAPE, dtype=np.int16)
TUMOR = np.zeros(SHAPE, np.uint8)
TUMOR[4:9, 4:9, 1:4] = 1
RECIPE = Recipe(size=16, drop_slices=2)


@pytest.fixture
def case(tmp_path):
    for name, array in (("i", HU), ("m", TUMOR)):
        nib.save(nib.Nifti1Image(array, np.eye(4)), tmp_path / f"{name}.nii.gz")
    return Case(name="a", image=tmp_path / "i.nii.gz", label=tmp_path / "m.nii.gz", patient="a")


def found(case, *, needs_label=True):
    examined = examine(Examination(case=case, recipe=RECIPE, needs_label=needs_label))
    return {(f.level, f.rule) for f in examined.findings}, examined


def cut(path):
    path.write_bytes(path.read_bytes()[:-8])


def test_a_sound_case_has_the_findings_of_a_build_and_its_key(case):
    summary = read_case(case, RECIPE, lambda _: None)
    _, examined = found(case)
    assert examined.findings == summary.findings
    assert examined.content == summary.measures[VOXELS_CRC32]


def test_both_files_are_told_of_when_both_are_damaged(case):
    cut(case.image)
    cut(case.label)
    rules, examined = found(case)
    assert rules == {("fatal", "image"), ("fatal", "label")}
    assert examined.content is None


def test_what_only_the_two_together_show_stands_for_itself(case):
    short = nib.Nifti1Image(TUMOR[:, :, 1:], np.eye(4))
    nib.save(short, case.label)
    assert found(case)[0] == {("fatal", "shape")}


@pytest.mark.parametrize("needs_label", [True, False])
def test_a_label_is_missed_only_where_one_is_needed(case, needs_label):
    rules, examined = found(replace(case, label=None), needs_label=needs_label)
    assert rules == ({("fatal", "label")} if needs_label else set())
    assert examined.content is not None


def test_a_problem_that_is_known_is_all_that_is_said(case):
    rules, examined = found(replace(case, problem="two\nimages"))
    assert rules == {("fatal", "case")}
    assert examined.findings[0].message == "two images"
