import json

import cv2
import nibabel
import numpy as np
import pytest

from ingest.phantom.case import ORIENTATIONS, PADDING_HU, THICKNESS_MM, TUMOR_FREE, make_phantom
from ingest.phantom.data_set import PhantomError, PhantomSet, make_phantoms
from ingest.phantom.lung import inside_lung
from ingest.phantom.patient import draw_patient
from ingest.phantom.tumor import AROUND, KINDS, POLAR, Tumor, place_tumor

SMALL = {"size": 64, "slices": 16}


@pytest.fixture(scope="module")
def dozen():
    """One dozen of small scans; together they show everything that a data set holds."""
    return [make_phantom(seed=3, case=case, **SMALL) for case in range(1, 13)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantom") / "set"
    options = PhantomSet(out=out, cases=3, test_cases=1, seed=3, workers=1, **SMALL)
    summary = make_phantoms(options)
    assert summary["tumor_free"] == 1
    return out


def ball(radius_mm, center=(3.0, -2.0, 5.0)):
    radii = np.full((len(POLAR), len(AROUND)), float(radius_mm))
    return Tumor("solid", np.array(center), radii, 40.0, 1.0, -400.0)


def bytes_of(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_bytes_depend_on_the_seed_and_not_on_the_number_of_workers(folder, tmp_path):
    options = {"cases": 3, "test_cases": 1, **SMALL}
    make_phantoms(PhantomSet(out=tmp_path / "two", seed=3, workers=2, **options))
    make_phantoms(PhantomSet(out=tmp_path / "other", seed=4, workers=1, **options))
    assert bytes_of(tmp_path / "two") == bytes_of(folder)
    assert bytes_of(tmp_path / "other") != bytes_of(folder)


def test_a_case_is_the_same_in_a_smaller_set(folder, tmp_path):
    make_phantoms(
        PhantomSet(out=tmp_path / "one", cases=1, test_cases=0, seed=3, workers=1, **SMALL)
    )
    name = "imagesTr/lung_001.nii.gz"
    assert (tmp_path / "one" / name).read_bytes() == (folder / name).read_bytes()


def test_dataset_json_lists_exactly_the_files(folder):
    dataset = json.loads((folder / "dataset.json").read_text())
    listed = [path for pair in dataset["training"] for path in pair.values()] + dataset["test"]
    on_disk = {f"./{p.relative_to(folder)}" for p in folder.glob("[il][ma]*T[rs]/*")}
    assert set(listed) == {path for path in on_disk if "labelsTs" not in path}
    assert (dataset["numTraining"], dataset["numTest"]) == (3, 1)
    assert dataset["labels"] == {"0": "background", "1": "cancer"}
    assert dataset["modality"] == {"0": "CT"}
    assert (folder / "labelsTs" / "lung_501.nii.gz").is_file()


def test_files_hold_hu_and_a_mask_on_one_grid(folder):
    for path in folder.glob("images*/*"):
        image = nibabel.load(path)
        label = nibabel.load(
            path.parent.parent / path.parent.name.replace("images", "labels") / path.name
        )
        assert image.get_data_dtype() == np.int16
        assert label.get_data_dtype() == np.uint8
        assert image.shape == label.shape
        assert np.array_equal(image.affine, label.affine)
        assert set(np.unique(np.asarray(label.dataobj))) <= {0, 1}


def test_stored_orientations_differ_and_the_scans_agree_once_canonical(folder, dozen):
    found = []
    for case, scan in enumerate(dozen[:3], start=1):
        image = nibabel.load(folder / "imagesTr" / f"lung_{case:03d}.nii.gz")
        found.append("".join(nibabel.aff2axcodes(image.affine)))
        canonical = nibabel.as_closest_canonical(image)
        assert np.array_equal(np.asarray(canonical.dataobj), scan.image)
        np.testing.assert_allclose(canonical.affine, scan.affine, atol=1e-4)
    assert found == ["RAS", "LPS", "LAS"]


def test_the_truth_is_written_down(folder):
    truth = json.loads((folder / "phantom.json").read_text())["cases"]
    assert list(truth) == ["lung_001", "lung_002", "lung_003", "lung_501"]
    for name, record in truth.items():
        part = "Tr" if record["subset"] == "training" else "Ts"
        label = nibabel.load(folder / f"labels{part}" / f"{name}.nii.gz")
        assert sum(tumor["voxels"] for tumor in record["tumors"]) == np.asarray(label.dataobj).sum()
        assert "".join(nibabel.aff2axcodes(label.affine)) == record["orientation"]


def test_volume_of_a_ball_is_the_formula():
    assert ball(12.0).volume_ml == pytest.approx(4 / 3 * np.pi * 12**3 / 1000, rel=1e-4)
    assert ball(12.0).diameter_mm == pytest.approx(24.0, rel=1e-4)


@pytest.mark.parametrize(("kind", "diameter_mm"), [("solid", 20), ("part-solid", 45)])
def test_label_volume_converges_to_the_true_volume(kind, diameter_mm):
    tumor = place_tumor(
        kind,
        diameter_mm,
        inside=lambda points: np.abs(points).max(axis=1) < 0.7 * diameter_mm,
        box=np.array([(-3.0, -3, -30), (3, 3, 30)]),
        hila=np.zeros((2, 3)),
        rng=np.random.default_rng(5),
    )
    for pitch, tolerance in ((2.0, 0.05), (0.8, 0.005)):
        axis = np.arange(-40, 40, pitch)
        voxels = sum(int((tumor.depth_on(axis, z)[2] < 1).sum()) for z in axis)
        assert voxels * pitch**3 / 1000 == pytest.approx(tumor.volume_ml, rel=tolerance)


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


def test_bending_a_patient_can_be_undone():
    patient = draw_patient(np.random.default_rng(1))
    points = np.random.default_rng(2).uniform(-120, 120, (500, 3))
    np.testing.assert_allclose(patient.to_standard(patient.to_scan(points)), points, atol=0.3)


def test_lungs_lie_on_both_sides_of_the_heart():
    places = np.array(
        [(80.0, 0, -20), (-80, 0, 0), (0, 0, -50), (0, -60, 0), (150, 0, 0), (60, 0, -150)]
    )
    assert inside_lung(places).tolist() == [True, True, False, False, False, False]


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("keep me")
    with pytest.raises(PhantomError, match="absent or empty folder"):
        make_phantoms(PhantomSet(out=tmp_path, **SMALL))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_nothing_is_left_when_writing_fails(tmp_path, monkeypatch):
    def fail(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ingest.phantom.case.make_phantom", fail)
    with pytest.raises(PhantomError, match="No space left"):
        make_phantoms(PhantomSet(out=tmp_path / "set", workers=1, **SMALL))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "value"), [("cases", 0), ("size", 8), ("slices", 2)])
def test_options_out_of_range_are_refused(tmp_path, name, value):
    with pytest.raises(ValueError, match=f"--{name} must be"):
        PhantomSet(out=tmp_path, **{name: value})


def test_tumors_can_be_kept_from_being_small():
    diameters = [
        tumor["diameter_mm"]
        for case in (1, 2)
        for tumor in make_phantom(seed=0, case=case, size=64, slices=24, min_tumor_mm=22).tumors
    ]
    assert min(diameters) > 18  # the border of the lung may cut a part off
