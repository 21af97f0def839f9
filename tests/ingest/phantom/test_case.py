import cv2
import nibabel
import numpy as np
import pytest

from ingest.phantom.case import ORIENTATIONS, PADDING_HU, THICKNESS_MM, TUMOR_FREE, make_phantom
from ingest.phantom.tumor import KINDS

SMALL = {"size": 64, "slices": 16}


@pytest.fixture(scope="module")
def dozen():
    """One dozen of small scans; together they show everything that a data set holds."""
    return [make_phantom(seed=3, case=case, **SMALL) for case in range(1, 13)]


def test_label_volume_of_large_tumors_is_within_a_tenth_of_the_truth(dozen):
    for scan in dozen:
        voxel_ml = np.prod(scan.spacing_mm) / 1000
        for tumor in scan.tumors:
            if tumor["diameter_mm"] > 4 * max(scan.spacing_mm):
                assert tumor["voxels"] * voxel_ml == pytest.approx(tumor["volume_ml"], rel=0.1)


def test_tumor_centers_lie_in_the_label(dozen):
    for scan in dozen:
        for tumor in scan.tumors:
            voxel = np.linalg.inv(scan.affine) @ [*tumor["center_mm"], 1]
            i, j, k = np.round(voxel[:3]).astype(int)
            near = scan.label[i - 1 : i + 2, j - 1 : j + 2, k - 1 : k + 2]
            assert near.any() or tumor["diameter_mm"] < 8


def test_one_scan_of_a_dozen_has_no_tumor_and_most_slices_have_none(dozen):
    assert [bool(scan.tumors) for scan in dozen].count(False) == 1
    assert not dozen[TUMOR_FREE].label.any()
    with_tumor = sum(int(scan.label.any((0, 1)).sum()) for scan in dozen)
    assert 0 < with_tumor < 0.5 * sum(scan.label.shape[2] for scan in dozen)


def test_tumors_differ_in_kind_and_size(dozen):
    tumors = [tumor for scan in dozen for tumor in scan.tumors]
    assert {tumor["kind"] for tumor in tumors} <= set(KINDS)
    assert len({tumor["kind"] for tumor in tumors}) >= 3
    assert all(4 <= tumor["diameter_mm"] <= 60 for tumor in tumors)


def test_padding_lies_outside_the_round_field_of_view(dozen):
    for scan, padding in zip(dozen, PADDING_HU, strict=True):
        assert scan.image[0, 0, 0] == padding if padding else scan.image.min() >= -1024
        assert scan.image[32, 32].min() >= -1024
    assert min(scan.image.min() for scan in dozen) == -3024


def test_a_dozen_mixes_orientations_thicknesses_and_oblique_axes(dozen):
    assert {"RAS", "LPS", "LAS", "PSR"} == set(ORIENTATIONS)
    assert (min(THICKNESS_MM), max(THICKNESS_MM)) == (1.25, 5.0)
    for scan in dozen:
        axes = scan.affine[:3, :3] / scan.spacing_mm
        np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-9)
        assert np.allclose(axes, np.eye(3)) != scan.oblique
        assert nibabel.aff2axcodes(scan.affine) == ("R", "A", "S")


def test_hu_are_those_of_a_chest(dozen):
    scan = dozen[0]
    middle = scan.image[:, :, -4]
    lung = middle[(middle > -980) & (middle < -600)]
    tissue = middle[(middle > -200) & (middle < 200)]
    assert -900 < np.median(lung) < -800
    assert 0.1 < lung.size / middle.size < 0.5
    assert -120 < np.median(tissue) < 80
    assert np.median(scan.image[:, -2:]) < -950
    assert (middle > 300).sum() > 10


def test_the_lowest_slices_show_more_belly_than_lung(dozen):
    scan = dozen[0]
    air_in_body = [((s > -950) & (s < -600)).sum() for s in np.moveaxis(scan.image, 2, 0)]
    assert air_in_body[0] < 0.5 * max(air_in_body)


def test_lung_is_darker_in_front_than_behind(dozen):
    image = dozen[TUMOR_FREE].image[:, :, -8:-3]
    lung = np.where((image > -980) & (image < -650), image, np.nan)
    front, behind = np.nanmean(lung[:, 34:42]), np.nanmean(lung[:, 20:28])
    assert front < behind


def test_tumors_have_no_hu_of_their_own(dozen):
    for scan in dozen:
        inside = scan.image[scan.label > 0]
        outside = scan.image[scan.label == 0]
        if inside.size > 50:
            low, high = np.percentile(inside, (5, 95))
            assert ((outside > low) & (outside < high)).sum() > inside.size


def test_vessels_look_like_nodules_on_one_slice_and_not_on_the_next():
    scan = make_phantom(seed=0, case=3, size=192, slices=16)
    bright = (scan.image > -500).astype(np.uint8)
    spots = 0
    for k in range(5, 15):
        _, _, stats, centers = cv2.connectedComponentsWithStats(bright[:, :, k].copy())
        small = (stats[:, cv2.CC_STAT_AREA] >= 4) & (stats[:, cv2.CC_STAT_AREA] < 60)
        for x, y in centers[small].astype(int):
            spots += not bright[y - 1 : y + 2, x - 1 : x + 2, k + 1].any()
    assert spots > 15


def test_tumors_can_be_kept_from_being_small():
    diameters = [
        tumor["diameter_mm"]
        for case in (1, 2)
        for tumor in make_phantom(seed=0, case=case, size=64, slices=24, min_tumor_mm=22).tumors
    ]
    assert min(diameters) > 18  # the border of the lung may cut a part off


def test_tumors_can_be_kept_small_and_slices_thin():
    scans = [
        make_phantom(
            seed=0, case=case, size=64, slices=40, slice_mm=1.5, min_tumor_mm=6, max_tumor_mm=15
        )
        for case in (1, 2, 4)
    ]
    diameters = [tumor["diameter_mm"] for scan in scans for tumor in scan.tumors]
    assert min(diameters) > 5  # the border of the lung may cut a part off
    assert max(diameters) < 15.5
    for scan in scans:
        assert scan.spacing_mm[2] == max(1.5, 60 / scan.image.shape[2])
