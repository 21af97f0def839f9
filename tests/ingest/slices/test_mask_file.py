"""A mask written plane by plane is the mask that nibabel would have written at once."""

import contextlib
import gzip
import itertools

import nibabel
import numpy as np
import pytest

from ingest.case import Case
from ingest.recipe import Recipe
from ingest.slices.mask_file import mask_file
from ingest.slices.opened import open_case
from tests.toy_masks import write_mask

RNG = np.random.default_rng(0)
SHAPE = (5, 6, 7)
WAYS = list(
    itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3))
)


def scan(path, order, signs, *, comment=b""):
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, order] * np.array(signs) * (0.7, 0.9, 2.0)
    image = nibabel.Nifti1Image(RNG.integers(-1000, 400, SHAPE).astype(np.int16), affine)
    image.header["descrip"] = b"made by a scanner"
    if comment:
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", comment))
    nibabel.save(image, path)
    return path


def at_once(mask, path):
    """The bytes of a mask with the header of a scan, by nibabel."""
    header = nibabel.load(path).header.copy()
    header.set_data_dtype(np.uint8)
    header["cal_min"], header["cal_max"] = 0, 1
    return nibabel.Nifti1Image(mask, None, header).to_bytes()


@pytest.mark.parametrize(("order", "signs"), WAYS)
def test_it_is_what_nibabel_writes_for_each_of_48_orientations(order, signs, tmp_path):
    path = scan(tmp_path / "scan.nii.gz", order, signs, comment=b"kept" * (signs[0] > 0))
    mask = RNG.integers(0, 2, SHAPE).astype(np.uint8)
    write_mask(mask, path, tmp_path / "mask.nii.gz")
    write_mask(mask, path, tmp_path / "mask.nii")
    packed, plain = (tmp_path / "mask.nii.gz").read_bytes(), (tmp_path / "mask.nii").read_bytes()
    assert gzip.decompress(packed) == plain == at_once(mask, path)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_an_error_on_the_way_leaves_no_file(order, tmp_path):
    path = scan(tmp_path / "scan.nii.gz", order, (1, 1, 1))
    opened = open_case(Case(name="a", image=path, label=None, patient="a"), Recipe())
    with contextlib.suppress(ZeroDivisionError), mask_file(opened, tmp_path / "out/a.nii") as put:
        put(np.zeros(opened.grid.canonical().shape[1::-1], np.uint8))
        put(np.zeros(1 // 0, np.uint8))
    assert list((tmp_path / "out").iterdir()) == []


def test_equal_masks_are_equal_bytes_whenever_written(tmp_path):
    path = scan(tmp_path / "scan.nii.gz", (0, 1, 2), (1, 1, 1))
    mask = RNG.integers(0, 2, SHAPE).astype(np.uint8)
    for name in ("one", "other"):
        write_mask(mask, path, tmp_path / f"{name}.nii.gz")
    assert (tmp_path / "one.nii.gz").read_bytes() == (tmp_path / "other.nii.gz").read_bytes()


@pytest.mark.parametrize("change", ["packed as .nii", "plain as .nii.gz", "damaged extension"])
def test_what_the_scans_file_is_counts_and_not_its_name(change, tmp_path):
    sound = scan(tmp_path / "sound.nii.gz", (0, 1, 2), (1, 1, 1), comment=b"lost" * 9)
    plain = bytearray(gzip.decompress(sound.read_bytes()))
    path = tmp_path / ("odd.nii" if change == "packed as .nii" else "odd.nii.gz")
    if change == "damaged extension":
        plain[352:356] = (10**6).to_bytes(4, "little")  # longer than the file
    path.write_bytes(sound.read_bytes() if change == "packed as .nii" else plain)
    mask = RNG.integers(0, 2, SHAPE).astype(np.uint8)
    write_mask(mask, path, tmp_path / "mask.nii")
    written = nibabel.load(tmp_path / "mask.nii")
    assert (np.asarray(written.dataobj) == mask).all()
    assert (written.affine == nibabel.load(sound).affine).all()
    assert len(written.header.extensions) == (change != "damaged extension")
