"""The laws of the two forms of a NIfTI header: one place, a refusal, or a choice that says so."""

import nibabel as nib
import numpy as np
import pytest

from ingest.case import BadCaseError
from ingest.job.build import build_shards
from ingest.job.check import check
from ingest.options import BuildShards, Check
from ingest.recipe import Recipe
from ingest.scans.nifti import NiftiImage, NiftiLabel
from ingest.slices.scan_slices import load_scan
from shards.manifest import Manifest
from tests.toy_masks import write_mask

AFFINE = np.array([[-0.7, 0, 0, 10], [0, 0.8, 0, -20], [0, 0, 2.5, 30], [0, 0, 0, 1.0]])
SHAPE = (12, 10, 8)
MIRRORED = AFFINE @ np.array([[-1, 0, 0, 11], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def image(sform=AFFINE, qform=AFFINE, *, dtype=np.int16):
    """A file of both forms; a form of None is not set."""
    values = np.random.default_rng(0).integers(-1000, 100, SHAPE).astype(dtype)
    if dtype == np.uint8:
        values = (values > 50).astype(dtype)
    made = nib.Nifti1Image(values, AFFINE)
    made.set_sform(sform, code=0 if sform is None else 1)
    made.set_qform(qform, code=0 if qform is None else 1)
    return made


def opened(tmp_path, made, *, form=None, **fields):
    """The file as our reader has it, with fields that nibabel would not write."""
    data = made.to_bytes()
    header = nib.Nifti1Header(data[:348])
    for name, value in fields.items():
        header[name] = value
    (tmp_path / "scan.nii").write_bytes(header.binaryblock + data[348:])
    return NiftiImage(tmp_path / "scan.nii", form=form)


@pytest.mark.parametrize("reader", [NiftiImage, NiftiLabel])
def test_forms_that_mirror_each_other_are_refused_in_images_and_labels(tmp_path, reader):
    opened(tmp_path, image())
    (tmp_path / "scan.nii").write_bytes(image(qform=MIRRORED).to_bytes())
    with pytest.raises(BadCaseError, match=r"11 voxels from .*\(LAS and RAS\): .* --nifti-form"):
        reader(tmp_path / "scan.nii")
    for form, affine in (("sform", AFFINE), ("qform", MIRRORED)):
        volume = reader(tmp_path / "scan.nii", form=form)
        np.testing.assert_allclose(volume.grid.matrix, affine, atol=1e-5)
        (remark,) = volume.remarks
        assert remark.endswith(f"the {form} counts, as told")


@pytest.mark.parametrize(("shift", "words"), [(0.0, None), (0.2, "the sform counts"), (3.0, "")])
def test_a_small_difference_is_said_and_a_large_one_refused(tmp_path, shift, words):
    moved = AFFINE.copy()
    moved[0, 3] += 0.7 * shift
    if words == "":
        with pytest.raises(BadCaseError, match=r"3 voxels from"):
            opened(tmp_path, image(qform=moved))
    else:
        remarks = opened(tmp_path, image(qform=moved)).remarks
        assert [remark.rpartition(": ")[2] for remark in remarks] == ([words] if words else [])


@pytest.mark.parametrize(("sform", "qform"), [(None, AFFINE), (AFFINE, None)])
@pytest.mark.parametrize("form", [None, "sform", "qform"])
def test_the_only_form_counts_whatever_is_chosen(tmp_path, sform, qform, form):
    volume = opened(tmp_path, image(sform, qform), form=form)
    np.testing.assert_allclose(volume.grid.matrix, AFFINE, atol=1e-5)
    assert volume.remarks == []


def test_a_form_that_means_no_place_gives_way_to_the_other_and_is_said(tmp_path):
    volume = opened(tmp_path, image(), srow_x=0, srow_y=0, srow_z=0)
    np.testing.assert_allclose(volume.grid.matrix, AFFINE, atol=1e-5)
    assert "the sform cannot be used" in volume.remarks[0]
    with pytest.raises(BadCaseError, match="the qform cannot be used: its quaternion"):
        opened(tmp_path, image(sform=None), quatern_b=0.9, quatern_c=0.9)


@pytest.mark.parametrize(("stored", "flips"), [(0, 1), (1, 1), (-1, -1), (2, 1), (-2, -1)])
def test_qfac_counts_by_its_sign_and_0_is_1(tmp_path, stored, flips):
    header = image(sform=None).header
    spacing = header["pixdim"][1:]
    volume = opened(tmp_path, image(sform=None), pixdim=[stored, *spacing])
    header["pixdim"][0] = flips
    np.testing.assert_allclose(volume.grid.matrix, header.get_qform(), atol=1e-5)
    assert len(volume.remarks) == (stored not in (0, 1, -1))


@pytest.mark.parametrize(("unit", "mm"), [(0, 1), (2, 1), (1, 1000), (3, 0.001), (8 | 2, 1)])
def test_units_are_those_of_the_header_and_said_where_they_are_not_mm(tmp_path, unit, mm):
    volume = opened(tmp_path, image(), xyzt_units=unit)
    np.testing.assert_allclose(volume.grid.matrix[:3], AFFINE[:3] * mm, rtol=1e-5)
    assert len(volume.remarks) == (mm != 1)


def test_a_header_without_any_form_is_read_as_nibabel_does_and_said(tmp_path):
    made = image(None, None)
    volume = opened(tmp_path, made)
    np.testing.assert_allclose(volume.grid.matrix, made.header.get_base_affine(), atol=1e-5)
    assert "neither sform nor qform is set" in volume.remarks[0]


def test_a_spacing_that_is_not_the_sforms_is_said(tmp_path):
    volume = opened(tmp_path, image(qform=None), pixdim=[1, 0.7, 0.8, 5, 1, 1, 1, 1])
    assert volume.grid.spacing_mm[2] == pytest.approx(2.5)
    assert "pixdim says [0.7, 0.8, 5.0]" in volume.remarks[0]


@pytest.fixture
def source(tmp_path):
    """Data set of one case: both forms of the scan differ, the label has one, as ITK writes it."""
    for folder, made in (
        ("imagesTr", image(qform=MIRRORED)),
        ("labelsTr", image(None, MIRRORED, dtype=np.uint8)),
    ):
        (tmp_path / "in" / folder).mkdir(parents=True)
        nib.save(made, tmp_path / "in" / folder / "a.nii.gz")
    return tmp_path / "in"


def test_a_build_refuses_both_forms_until_one_is_chosen_which_check_says_alike(source, tmp_path):
    options = {"source": source, "size": 12, "drop_slices": 0, "workers": 1}
    with pytest.raises(BadCaseError, match="none of 1 case"):
        build_shards(BuildShards(out=str(tmp_path / "out"), **options))
    (finding,) = check(Check(**options))["findings"]
    assert (finding["level"], "--nifti-form" in finding["message"]) == ("fatal", True)
    build = BuildShards(out=str(tmp_path / "out"), nifti_form="qform", **options)
    assert build_shards(build)["cases"] == 1
    manifest = Manifest.from_json((tmp_path / "out" / "manifest.json").read_bytes(), where="out")
    (entry,) = manifest.cases.values()
    assert "the qform counts, as told" in entry.warnings[0]
    assert Recipe.from_dict(manifest.recipe).nifti_form == "qform"


def test_a_predicted_mask_keeps_the_forms_of_its_scan(source, tmp_path):
    path = source / "imagesTr" / "a.nii.gz"
    recipe = Recipe(size=12, drop_slices=0, nifti_form="qform")
    scan = load_scan(path, recipe)
    np.testing.assert_allclose(scan.grid.matrix, MIRRORED, atol=1e-5)
    write_mask(np.zeros(SHAPE, np.uint8), path, tmp_path / "mask.nii.gz", recipe)
    grid = NiftiLabel(tmp_path / "mask.nii.gz", form="qform").grid
    assert grid == scan.grid
