"""The laws of slices: the tutorial's numbers, any stored orientation, there and back."""

import itertools

import cv2
import nibabel as nib
import numpy as np
import pytest

from ingest.case import BadCaseError, Case
from ingest.findings.read_case import read_case
from ingest.readers import open_label
from ingest.recipe import Recipe
from ingest.scans.nifti import NiftiImage
from ingest.scans.volume import whole
from ingest.slices.scan_slices import load_scan, load_views
from tests.toy_cases import slices_of
from tests.toy_masks import on_source_grid, write_mask

SHAPE = (64, 64, 12)
AFFINE = np.array([[0.7, 0, 0, -20], [0, 0.7, 0, 5], [0, 0, 2.5, 100], [0, 0, 0, 1.0]])
ORIENTATIONS = [
    "".join(codes)
    for axes in itertools.permutations(("LR", "PA", "IS"))
    for codes in itertools.product(*axes)
]
RECIPE = Recipe(size=32, drop_slices=3)


def make_scan(shape=SHAPE, seed=0):
    """HU with padding below -1024 and metal above 3071, and a mask, both RAS."""
    rng = np.random.default_rng(seed)
    image = rng.integers(-3100, 4000, shape, dtype=np.int16)
    mask = rng.random(shape) < 0.01
    mask[10:31, 20:33, 2:7] = True
    return image, mask.astype(np.uint8)


def save_case(folder, image, mask, *, orientation="RAS", affine=AFFINE, suffix=".nii.gz"):
    """Write a RAS scan and its mask as they look stored along other axes."""
    start = nib.orientations.axcodes2ornt("RAS")
    change = nib.orientations.ornt_transform(start, nib.orientations.axcodes2ornt(orientation))
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, array in (("image", image), ("label", mask)):
        stored = nib.Nifti1Image(array, affine).as_reoriented(change)
        paths.append(folder / f"{name}{suffix}")
        nib.save(stored, paths[-1])
        assert "".join(nib.aff2axcodes(stored.affine)) == orientation
    return Case(name="lung_001", image=paths[0], label=paths[1], patient="lung_001")


def tutorial_slices(case, *, size, drop):
    """The tutorial by other means: nibabel, float64, cv2 per slice; rows y, columns x."""
    image = nib.as_closest_canonical(nib.load(case.image)).get_fdata()
    label = nib.as_closest_canonical(nib.load(case.label)).get_fdata().astype(np.uint8)
    image = np.clip(image, -1000, 3071) / 3071
    for z in range(drop, image.shape[2]):
        yield (
            z,
            cv2.resize(np.ascontiguousarray(image[:, :, z].T), (size, size)),
            cv2.resize(
                np.ascontiguousarray(label[:, :, z].T),
                (size, size),
                interpolation=cv2.INTER_NEAREST,
            ),
        )


@pytest.mark.parametrize("size", [32, 48, 64, 100])
@pytest.mark.parametrize("orientation", ["RAS", "LPS", "LAS", "LPI"])
def test_slices_are_the_tutorials_to_half_a_hu(tmp_path, orientation, size):
    case = save_case(tmp_path, *make_scan(), orientation=orientation)
    recipe = Recipe(size=size, drop_slices=3, mask="nearest")
    expected = list(tutorial_slices(case, size=size, drop=3))
    records = slices_of(case, recipe)
    assert [record.z for record in records] == [z for z, _, _ in expected]
    for record, (_, image, mask) in zip(records, expected, strict=True):
        assert np.abs(record.image * recipe.scale - image).max() * 3071 <= 0.5 + 1e-6
        np.testing.assert_array_equal(record.mask, mask)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("size", [32, 50])
def test_all_48_orientations_give_the_same_slices(tmp_path, orientation, size):
    image, mask = make_scan((60, 64, 9))
    recipe = Recipe(size=size, drop_slices=2)
    plain = slices_of(save_case(tmp_path / "ras", image, mask), recipe)
    turned = save_case(tmp_path / "turned", image, mask, orientation=orientation)
    again = slices_of(turned, recipe)
    assert len(again) == 7
    for one, other in zip(plain, again, strict=True):
        assert (one.key, other.spacing_mm) == (other.key, pytest.approx(one.spacing_mm))
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.mask, other.mask)


def test_label_stored_along_other_axes_than_its_image_is_paired_by_place(tmp_path):
    image, mask = make_scan()
    plain = save_case(tmp_path / "a", image, mask)
    for orientation in ("RAI", "LPI", "SRA"):
        turned = save_case(tmp_path / orientation, image, mask, orientation=orientation)
        mixed = Case(name="lung_001", image=plain.image, label=turned.label, patient="p")
        for one, other in zip(slices_of(plain, RECIPE), slices_of(mixed, RECIPE), strict=True):
            np.testing.assert_array_equal(one.mask, other.mask)


def test_every_tumor_voxel_is_counted_as_kept_or_dropped(tmp_path):
    image, mask = make_scan()
    summary = read_case(save_case(tmp_path, image, mask), RECIPE, lambda _: None)
    assert summary.tumor.dropped == mask[:, :, :3].sum()
    assert summary.tumor.kept == mask[:, :, 3:].sum()


def test_a_recipe_that_drops_every_slice_is_refused(tmp_path):
    case = save_case(tmp_path, *make_scan())
    with pytest.raises(
        BadCaseError, match=r"drops the lowest 12 slices.* has 12 slices of 2.5 mm: lower"
    ):
        slices_of(case, Recipe(drop_slices=12))


def test_image_and_label_of_different_shape_are_refused_with_both_shapes(tmp_path):
    image, mask = make_scan()
    case = save_case(tmp_path, image, mask[:, :, :-1])
    with pytest.raises(BadCaseError, match=r"\(64, 64, 12\).*\(64, 64, 11\)"):
        slices_of(case, RECIPE)


def test_prediction_and_training_see_the_same_slices(tmp_path):
    case = save_case(tmp_path, *make_scan(), orientation="LPI")
    scan = load_scan(case.image, RECIPE)
    records = slices_of(case, RECIPE)
    assert scan.z == [record.z for record in records]
    assert (scan.num_slices, len(scan.z)) == (12, 9)
    np.testing.assert_array_equal(scan.images, [record.image for record in records])


@pytest.mark.parametrize("orientation", ["RAS", "LPI", "SRA"])
def test_one_reading_serves_several_recipes_alike(tmp_path, monkeypatch, orientation):
    case = save_case(tmp_path, *make_scan(), orientation=orientation)
    recipes = [RECIPE, Recipe(size=50, drop_slices=0, clip=(-300, 400)), Recipe(drop_mm=10.0)]
    alone = [load_scan(case, recipe) for recipe in recipes]
    readings = []
    monkeypatch.setattr(NiftiImage, "slabs", counted(NiftiImage.slabs, readings))
    for together, one in zip(load_views(case, recipes), alone, strict=True):
        assert (together.z, together.grid) == (one.z, one.grid)
        np.testing.assert_array_equal(together.images, one.images)
    assert len(readings) == 1


def counted(function, calls):
    """The same function, which adds to `calls` when it is called."""

    def wrapper(*args):
        calls.append(args)
        return function(*args)

    return wrapper


@pytest.mark.parametrize("orientation", ["RAS", "LPI", "SRA", "AIL"])
def test_a_mask_of_slices_goes_back_to_the_place_it_came_from(tmp_path, orientation):
    image, _ = make_scan((64, 128, 12))
    coarse = (np.random.default_rng(1).random((32, 32, 12)) < 0.3).astype(np.uint8)
    blocks = np.kron(coarse, np.ones((2, 4, 1), np.uint8))
    case = save_case(tmp_path, image, blocks, orientation=orientation)
    recipe = Recipe(size=32, drop_slices=0)
    scan = load_scan(case.image, recipe)
    label = open_label(case.label)
    stored = whole(label, np.uint8)
    back = on_source_grid(coarse.transpose(2, 1, 0), scan.z, scan.grid)
    assert back.shape == stored.shape == label.grid.shape
    np.testing.assert_array_equal(back, stored)
    smooth = on_source_grid(np.ones((12, 32, 32), np.float32), scan.z, scan.grid)
    assert smooth.all()


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii"])
def test_a_written_mask_has_the_scans_exact_grid(tmp_path, suffix):
    tilt = nib.affines.from_matvec(
        nib.eulerangles.euler2mat(0.1, 0.2, 0.3) @ np.diag([-0.7, 0.7, 2.5]), [1.1, -2.2, 3.3]
    )
    image, mask = make_scan()
    scan = nib.Nifti1Image(image, tilt)
    scan.set_qform(tilt, code=1)
    scan.set_sform(tilt, code=2)
    nib.save(scan, tmp_path / "scan.nii.gz")
    outs = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for out in outs:
        write_mask(mask, tmp_path / "scan.nii.gz", out)
    again, like = nib.load(outs[0]), nib.load(tmp_path / "scan.nii.gz")
    assert again.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asanyarray(again.dataobj), mask)
    np.testing.assert_array_equal(again.affine, like.affine)
    for field in ("sform_code", "qform_code", "quatern_b", "qoffset_x", "pixdim", "dim"):
        np.testing.assert_array_equal(again.header[field], like.header[field])
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["scan.nii.gz", *(out.name for out in outs)]
    )
