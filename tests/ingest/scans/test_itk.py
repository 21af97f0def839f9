"""Volumes that SimpleITK reads lie where nibabel's copy of them lies, and are read whole or not."""

import contextlib
import itertools

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.case import BadCaseError, Case
from ingest.readers import open_image, open_label
from ingest.recipe import Recipe
from ingest.scans.itk import ItkImage, ItkLabel
from ingest.scans.nifti import NiftiImage
from ingest.scans.volume import whole
from tests.toy_cases import slices_of
from tests.toy_masks import write_mask

sitk = pytest.importorskip("SimpleITK")

RNG = np.random.default_rng(0)
HU = RNG.integers(-1000, 1500, (7, 6, 20), dtype=np.int16)
AFFINE = np.array([[-0.7, 0, 0, 30], [0, -0.8, 0, 20], [0, 0, 2.5, -50], [0, 0, 0, 1.0]])
ORIENTATIONS = [
    "".join(codes)
    for order in itertools.permutations(("LR", "PA", "IS"))
    for codes in itertools.product(*order)
]
KINDS = ["mha", "mhd", "nrrd", "nhdr", "mnc"]


def turned(orientation, *, tilt=0.0):
    """The scan as NIfTI, stored along other axes and tilted around x."""
    codes = nib.orientations.axcodes2ornt
    image = nib.Nifti1Image(HU, AFFINE)
    change = nib.orientations.ornt_transform(nib.io_orientation(AFFINE), codes(orientation))
    image = image.as_reoriented(change)
    cosine, sine = np.cos(tilt), np.sin(tilt)
    rotation = np.eye(4)
    rotation[1:3, 1:3] = [[cosine, -sine], [sine, cosine]]
    return nib.Nifti1Image(np.asarray(image.dataobj), rotation @ image.affine)


def by_itk(folder, image, kind, *, packed=False):
    """The same volume, written by ITK from the NIfTI file."""
    nib.save(image, folder / "x.nii")
    path = folder / f"x.{kind}"
    sitk.WriteImage(sitk.ReadImage(str(folder / "x.nii")), str(path), packed)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_suffix_in_upper_case_is_the_same_format(kind, tmp_path):
    path = by_itk(tmp_path, turned("LPS"), kind)
    upper = path.rename(tmp_path / f"X.{kind.upper()}")
    ours, theirs = (whole(open_image(path), np.int16) for path in (upper, tmp_path / "x.nii"))
    assert (ours == theirs).all()


def write(path, array, *, spacing=(1.0, 1.0, 1.0)):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_all_48_orientations_lie_where_nibabel_has_them(tmp_path, orientation):
    image = turned(orientation)
    for kind in ("mha", "nrrd"):
        ours = ItkImage(by_itk(tmp_path, image, kind))
        assert ours.grid.shape == image.shape
        assert np.allclose(ours.grid.matrix, image.affine, atol=1e-5)
        assert ours.grid.orientation == orientation
        assert (whole(ours, np.int16) == np.asarray(image.dataobj)).all()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_format_is_read_as_its_nifti_copy_by_our_own_reader(tmp_path, kind, packed):
    path = by_itk(tmp_path, turned("PIR", tilt=0.3), kind, packed=packed)
    ours, theirs = open_image(path), NiftiImage(tmp_path / "x.nii")
    assert np.allclose(ours.grid.matrix, theirs.grid.matrix, atol=1e-5)
    assert (whole(ours, np.int16) == whole(theirs, np.int16)).all()
    assert (whole(ours, np.int16) == whole(theirs, np.int16)).all()  # and once more


@pytest.mark.parametrize("kind", ["mha", "nrrd"])
def test_a_mask_for_such_a_scan_lies_on_its_grid(tmp_path, kind):
    path = by_itk(tmp_path, turned("SAL", tilt=0.3), kind)
    grid = open_image(path).grid
    mask = (RNG.random(grid.shape) < 0.3).astype(np.uint8)
    case = Case(name="x", image=path, label=None, patient="x")
    for like, out in ((path, "a.nii.gz"), (case, "b.nii.gz")):
        write_mask(mask, like, tmp_path / out)
        written = nib.load(tmp_path / out)
        assert np.allclose(written.affine, grid.matrix, atol=1e-5)
        assert np.allclose(written.get_qform(), grid.matrix, atol=1e-4)
        assert (np.asarray(written.dataobj) == mask).all()
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    back = sitk.ReadImage(str(tmp_path / "a.nii.gz"))
    assert np.allclose(back.GetOrigin(), sitk.ReadImage(str(path)).GetOrigin(), atol=1e-4)


def test_numbers_of_other_types_are_rounded_filled_and_held(tmp_path):
    values = np.full((2, 3, 4), 1.4)
    values[0, 0], values[1, 1] = (np.nan, np.inf, 40000, -0.6), (1e9, -1e9, 2.6, 0)
    path = write(tmp_path / "x.nrrd", values)
    with pytest.raises(BadCaseError, match=r"x\.nrrd: HU must be finite, found 2 NaN"):
        whole(ItkImage(path), np.int16)
    scan = ItkImage(path, fill_nan=-1000)
    hu = whole(scan, np.int16).T
    assert scan.filled == 2
    assert hu[0, 0].tolist() == [-1000, -1000, 32767, -1]
    assert hu[1, 1].tolist() == [32767, -32768, 3, 0]
    assert (hu[0, 1:] == 1).all()


def test_a_mask_is_0_and_1_or_says_which_values_are_tumor(tmp_path):
    values = np.zeros((2, 3, 4), np.uint8)
    values[0, 0, :3] = 1, 2, 3
    path = write(tmp_path / "x.mha", values)
    with pytest.raises(BadCaseError, match=r"0 and 1 only, found 2, 3: .*--tumor-labels"):
        whole(open_label(path), np.uint8)
    assert whole(open_label(path, tumor_labels=(2, 3)), np.uint8).sum() == 2
    plain = ItkLabel(write(tmp_path / "y.mha", values // 3))
    assert (values // 3 == whole(plain, np.uint8).T).all()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_short_is_refused_by_name(tmp_path, kind, packed):
    path = by_itk(tmp_path, turned("LPS"), kind, packed=packed)
    data = max((file for file in tmp_path.glob("x.*") if file.suffix != ".nii"),
               key=lambda file: file.stat().st_size)  # fmt: skip
    data.write_bytes(data.read_bytes()[:-40])
    with pytest.raises(BadCaseError, match=rf"x\.{kind} is damaged .*: copy or download it again"):
        whole(ItkImage(path), np.int16)


def test_what_is_no_volume_of_numbers_is_refused_with_advice(tmp_path):
    with pytest.raises(BadCaseError, match="is missing"):
        ItkImage(tmp_path / "absent.mha")
    with pytest.raises(BadCaseError, match=r"3 axes .* found 2 axes"):
        ItkImage(write(tmp_path / "flat.mha", np.zeros((4, 4), np.int16), spacing=(1.0, 1.0)))
    vectors = sitk.GetImageFromArray(np.zeros((3, 4, 5, 2), np.int16), isVector=True)
    sitk.WriteImage(vectors, str(tmp_path / "vectors.seg.nrrd"))
    with pytest.raises(BadCaseError, match="export the segmentation as a labelmap"):
        ItkLabel(tmp_path / "vectors.seg.nrrd")
    (tmp_path / "text.mha").write_text("no image")
    with pytest.raises(BadCaseError, match=r"text\.mha is damaged"):
        ItkImage(tmp_path / "text.mha")


def test_an_nrrd_without_a_space_does_not_say_where_it_lies(tmp_path):
    path = write(tmp_path / "x.nrrd", np.zeros((2, 3, 4), np.int16))
    header, data = path.read_bytes().split(b"\n\n", 1)
    lines = [line for line in header.split(b"\n") if not line.startswith(b"space")]
    path.write_bytes(b"\n".join([*lines, b"spacings: 1 1 1"]) + b"\n\n" + data)
    with pytest.raises(BadCaseError, match="which way its axes run"):
        ItkImage(path)


def test_a_plain_metaimage_is_read_in_pieces_and_equals_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("ingest.scans.itk._SLABS_AT_ONCE", 3)
    path = write(tmp_path / "x.mha", HU.T)
    assert (whole(ItkImage(path), np.int16) == HU).all()


@pytest.mark.parametrize("orientation", ["LPS", "RAI", "SAL"])
def test_a_case_of_such_files_gives_the_slices_of_its_nifti_copy(tmp_path, orientation):
    image = turned(orientation)
    label = nib.Nifti1Image((np.asarray(image.dataobj) > 900).astype(np.uint8), image.affine)
    recipe = Recipe(size=8, drop_slices=2)
    found = {}
    for kind in ("nii", "mha", "nrrd"):
        for name, volume in (("scan", image), ("label", label)):
            (tmp_path / name).mkdir(exist_ok=True)
            by_itk(tmp_path / name, volume, "mha" if kind == "nii" else kind, packed=True)
        paths = (tmp_path / name / f"x.{kind}" for name in ("scan", "label"))
        found[kind] = slices_of(
            Case(name="x", image=next(paths), label=next(paths), patient="x"), recipe
        )
    for kind in ("mha", "nrrd"):
        for ours, theirs in zip(found[kind], found["nii"], strict=True):
            assert ours.z == theirs.z
            assert (ours.image == theirs.image).all()
            assert (ours.mask == theirs.mask).all()
    assert any(record.mask.any() for record in found["nii"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("NDims", "663993"),
        ("NDims", "-3"),
        ("NDims", ""),
        ("DimSize", "9999 9999 9999"),
        ("DimSize", "7 six 20"),
    ],
)
def test_a_header_that_cannot_be_is_refused_before_memory_is_taken(tmp_path, field, value):
    path = write(tmp_path / "x.mha", HU.T)
    header, data = path.read_bytes().split(b"LOCAL\n", 1)
    lines = [
        f"{field} = {value}".encode() if line.startswith(field.encode()) else line
        for line in header.split(b"\n")
    ]
    path.write_bytes(b"\n".join(lines) + b"LOCAL\n" + data)
    with pytest.raises(BadCaseError, match=r"x\.mha is damaged \("):
        ItkImage(path)


@given(
    kind=st.sampled_from(["mha", "mhd", "nrrd", "nhdr"]),
    start=st.integers(0, 330),
    length=st.integers(0, 12),
    put=st.text("0123456789 .-()\neE%", max_size=6),
)
@settings(max_examples=80, deadline=None)
def test_a_damaged_header_is_read_or_refused_and_nothing_else(
    tmp_path_factory, kind, start, length, put
):
    folder = tmp_path_factory.mktemp("x")
    path = write(folder / f"x.{kind}", HU.T)
    data = path.read_bytes()
    path.write_bytes(data[:start] + put.encode() + data[start + length :])
    with contextlib.suppress(BadCaseError):
        scan = ItkImage(path)
        assert whole(scan, np.int16).shape == scan.grid.shape
