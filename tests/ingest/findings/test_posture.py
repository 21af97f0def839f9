"""A body that lies the other way round than its header says is told, and no other is."""

import nibabel as nib
import numpy as np
import pytest

from ingest.case import Case
from ingest.findings.posture import PostureChecks
from ingest.phantom.case import make_phantom
from ingest.recipe import Recipe
from ingest.scans.geometry import Grid, as_affine
from ingest.slices.opened import open_case

FRONT, RIGHT = "the spine lies in front", "the heart lies on the right"
TURNS = {
    "as it is": (np.s_[:, :], []),
    "front to back": (np.s_[::-1, :], [FRONT]),
    "left to right": (np.s_[:, ::-1], [RIGHT]),
    "half around": (np.s_[::-1, ::-1], [FRONT, RIGHT]),
}


def said(planes, grid):
    """What the checks say of (z, height, width) planes: the texts of their one finding."""
    checks = PostureChecks("c", grid)
    for z, plane in enumerate(planes):
        checks.see(z, np.ascontiguousarray(plane))
    findings = checks.findings()
    assert [(f.case, f.level, f.rule) for f in findings] == [("c", "warning", "posture")] * len(
        findings
    )
    return [text for f in findings for text in (FRONT, RIGHT) if text in f.message]


@pytest.fixture(scope="module")
def phantom():
    """(z, height, width) HU of a synthetic chest, with its grid."""
    made = make_phantom(seed=5, case=1, size=160, slices=40)
    image = nib.as_closest_canonical(nib.Nifti1Image(made.image, made.affine))
    grid = Grid(shape=image.shape, affine=as_affine(image.affine))
    return np.asarray(image.dataobj).transpose(2, 1, 0).astype(np.int16), grid


@pytest.mark.parametrize("turn", TURNS)
def test_a_phantom_tells_which_way_round_it_lies(phantom, turn):
    planes, grid = phantom
    way, expected = TURNS[turn]
    assert said(planes[:, *way], grid) == expected


def test_noise_and_padding_change_nothing(phantom):
    planes, grid = phantom
    noisy = planes + np.random.default_rng(0).normal(0, 60, planes.shape).astype(np.int16)
    noisy[:, :8] = -3024
    for way, expected in TURNS.values():
        assert said(noisy[:, *way], grid) == expected


def test_a_part_of_a_chest_is_not_judged(phantom):
    planes, grid = phantom
    way, _ = TURNS["half around"]
    assert said(planes[:3, *way], grid) == []
    half = planes[:, *way][:, :, : planes.shape[2] // 2]
    assert said(half, grid) == []
    assert said(np.full_like(planes, 40), grid) == []


@pytest.mark.data
@pytest.mark.parametrize("folder", ["lung", "rider"])
def test_real_scans_lie_as_they_say_and_whole_ones_tell_when_turned(real_data, folder):
    whole = {"lung_905", "lung_906", "lung_941"}
    for path in sorted((real_data / folder).glob("images*/*.nii.gz")):
        name = path.name.removesuffix(".nii.gz")
        opened = open_case(Case(name=name, image=path, label=None, patient=name), Recipe())
        planes = np.stack([plane.copy() for _, plane in opened.planes()])
        planes = planes[np.argsort(list(opened.numbers))]
        for way, expected in TURNS.values():
            assert said(planes[:, *way], opened.grid) == (expected if name in whole else []), name
