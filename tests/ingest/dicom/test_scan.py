"""The laws of DICOM series: the same slices as their NIfTI, and refusals that name the numbers."""

import importlib
import itertools
import sys
import zipfile

import nibabel as nib
import numpy as np
import pydicom
import pytest

from ingest.case import BadCaseError, Case
from ingest.dicom.scan import DicomVolume
from ingest.find_cases import find_cases
from ingest.recipe import Recipe
from ingest.scans.volume import whole
from ingest.slices.scan_slices import load_scan
from tests.toy_cases import slices_of

AFFINE = np.array([[-0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
SHAPE = (20, 16, 9)
ORIENTATIONS = [
    "".join(codes)
    for axes in itertools.permutations(("LR", "PA", "IS"))
    for codes in itertools.product(*axes)
]


def scan(seed=0, low=-1024, high=3000):
    return np.random.default_rng(seed).integers(low, high, SHAPE, dtype=np.int16)


def refusal(folder):
    with pytest.raises(BadCaseError) as caught:
        list(DicomVolume(folder).slabs())
    return str(caught.value)


@pytest.mark.parametrize("signed", [False, True])
def test_a_series_is_sorted_and_read_as_hu(tmp_path, write_series, signed):
    hu = scan()
    write_series(tmp_path, hu, AFFINE, signed=signed)
    volume = DicomVolume(tmp_path)
    assert np.allclose(volume.grid.matrix, AFFINE)
    assert np.array_equal(whole(volume, np.int16), hu)


def test_slope_and_intercept_apply_and_int16_holds(tmp_path, write_series):
    def far(dataset, k):
        dataset.RescaleSlope, dataset.RescaleIntercept = "20.5", "-8000"

    stored = scan(low=0, high=4000)
    write_series(tmp_path, stored, AFFINE, inter=0, change=far)
    expected = np.clip(np.rint(stored * 20.5 - 8000), -32768, 32767)
    assert np.array_equal(whole(DicomVolume(tmp_path), np.int16), expected)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_same_scan_gives_the_same_slices_as_nifti(tmp_path, write_series, orientation):
    image = nib.Nifti1Image(scan(seed=1), AFFINE)
    change = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("LPS"), nib.orientations.axcodes2ornt(orientation)
    )
    stored = image.as_reoriented(change)
    write_series(tmp_path / "dicom", np.asarray(stored.dataobj), stored.affine)
    nib.save(image, tmp_path / "scan.nii.gz")
    recipe = Recipe(size=16, drop_slices=2)
    dicom, nifti = (load_scan(tmp_path / name, recipe) for name in ("dicom", "scan.nii.gz"))
    assert dicom.z == nifti.z
    assert np.array_equal(dicom.images, nifti.images)


def test_an_oblique_series_lies_where_its_headers_say(tmp_path, write_series):
    turn = np.deg2rad(20)
    rotation = np.array(
        [[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]]
    )
    affine = AFFINE.copy()
    affine[:3, :3] = rotation @ AFFINE[:3, :3]
    write_series(tmp_path, scan(), affine)
    assert np.allclose(DicomVolume(tmp_path).grid.matrix, affine, atol=1e-5)


def test_a_missing_slice_is_named_with_its_gap(tmp_path, write_series):
    write_series(tmp_path, scan(), AFFINE, change=lambda dataset, k: k not in (4, 5))
    said = refusal(tmp_path)
    assert "slices lie 2.50 mm apart, but 7.50 mm between -92.50 and -85.00 mm: 2 missing" in said


def test_two_slices_at_one_place_are_named(tmp_path, write_series):
    def shift(dataset, k):
        if k == 4:
            dataset.ImagePositionPatient[2] = -92.5

    write_series(tmp_path, scan(), AFFINE, change=shift)
    assert "two slices lie at -92.50 mm" in refusal(tmp_path)


def test_slices_of_one_name_are_told_apart_by_their_folders(tmp_path, write_series):
    def name_alike(dataset, k):
        dataset.SeriesInstanceUID = "1.2.3"

    for name in ("a", "b"):
        write_series(tmp_path / name, scan(), AFFINE, change=name_alike)
    assert "found 2 in" in refusal(tmp_path)
    assert len(find_cases(tmp_path)) == 2


def test_uneven_slices_are_refused(tmp_path, write_series):
    def stretch(dataset, k):
        dataset.ImagePositionPatient[2] = -100 + 2.5 * k + (0.8 * (k - 4) if k > 4 else 0)

    write_series(tmp_path, scan(), AFFINE, change=stretch)
    assert "slices must lie evenly, found steps of 2.50 to 3.30 mm" in refusal(tmp_path)


def test_positions_rounded_to_a_tenth_of_a_mm_pass(tmp_path, write_series):
    def rounded(dataset, k):
        dataset.ImagePositionPatient[2] = round(-100 + 0.625 * k, 1)

    write_series(tmp_path, scan(), AFFINE, change=rounded)
    assert DicomVolume(tmp_path).grid.spacing_mm[2] == pytest.approx(0.625, abs=0.01)


def test_a_tilted_gantry_is_refused_with_its_angle(tmp_path, write_series):
    affine = AFFINE.copy()
    affine[1, 2] = 2.5 * np.tan(np.deg2rad(12))
    write_series(tmp_path, scan(), affine)
    said = refusal(tmp_path)
    assert "tilted by 12.00 degrees" in said
    assert "0.53 mm beside the last" in said


@pytest.mark.parametrize("shifted", [0, 4, 8])
def test_a_slice_that_was_shifted_sideways_is_named_with_its_distance(
    tmp_path, write_series, shifted
):
    names = []

    def shift(dataset, k):
        if k == shifted:
            dataset.ImagePositionPatient[0] += 5
            names.append(dataset.SOPInstanceUID)

    write_series(tmp_path, scan(), AFFINE, change=shift)
    (path,) = (p for p in tmp_path.iterdir() if pydicom.dcmread(p).SOPInstanceUID in names)
    said = refusal(tmp_path)
    assert f"slices must lie on one line, {path.name} lies 5.00 mm beside" in said


def test_oblique_positions_rounded_to_a_tenth_of_a_mm_lie_on_one_line(tmp_path, write_series):
    affine = AFFINE.copy()
    affine[:3, :3] = nib.eulerangles.euler2mat(0.1, 0.2, 0.3) @ AFFINE[:3, :3]

    def rounded(dataset, k):
        dataset.ImagePositionPatient = [round(float(v), 1) for v in dataset.ImagePositionPatient]

    write_series(tmp_path, scan(), affine, change=rounded)
    assert np.allclose(DicomVolume(tmp_path).grid.matrix, affine, atol=0.1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"PixelSpacing": [0.8, 0.8]}, "one pixel spacing"),
        ({"ImageOrientationPatient": [0, 1, 0, 1, 0, 0]}, "one orientation"),
        ({"ImagePositionPatient": None}, "no ImagePositionPatient"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2.1"}, "multi-frame CT"),
    ],
)
def test_slices_that_do_not_fit_are_refused(tmp_path, write_series, change, words):
    def alter(dataset, k):
        if k == 3:
            for name, value in change.items():
                setattr(dataset, name, value)

    write_series(tmp_path, scan(), AFFINE, change=alter)
    assert words in refusal(tmp_path)


def test_a_scout_image_in_the_series_is_no_slice(tmp_path, write_series):
    def scout(dataset, k):
        if k == 0:
            dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    write_series(tmp_path, scan(), AFFINE, change=scout)
    assert DicomVolume(tmp_path).grid.shape == (20, 16, 8)


def test_pixels_cut_short_are_refused(tmp_path, write_series):
    def cut(dataset, k):
        if k == 3:
            dataset.PixelData = dataset.PixelData[:100]

    write_series(tmp_path, scan(), AFFINE, change=cut)
    assert "damaged" in refusal(tmp_path)


def test_a_file_cut_in_its_header_is_refused(tmp_path, write_series):
    write_series(tmp_path, scan(), AFFINE)
    whole_file = (tmp_path / "IM0003").read_bytes()
    (tmp_path / "IM0003").write_bytes(whole_file[:500])
    assert "IM0003" in refusal(tmp_path)


def test_rle_is_read_and_an_unknown_compression_is_named(tmp_path, write_series):
    hu = scan()
    write_series(tmp_path / "rle", hu, AFFINE, change=lambda dataset, k: dataset.compress(RLE))
    assert np.array_equal(whole(DicomVolume(tmp_path / "rle"), np.int16), hu)
    write_series(tmp_path / "odd", hu, AFFINE, change=as_mpeg)
    said = refusal(tmp_path / "odd")
    assert "compressed as MPEG2" in said
    assert "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg" in said


RLE = pydicom.uid.RLELossless


def as_mpeg(dataset, k):
    dataset.compress(RLE)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.MPEG2MPML


def test_jpeg_2000_is_read_where_its_decoder_is_installed(tmp_path, write_series):
    pytest.importorskip("openjpeg", reason="needs the extra dicom-compressed")
    hu = np.tile(scan()[:, :, :2], (4, 4, 1))  # an encoder needs more pixels than ours have
    jpeg = pydicom.uid.JPEG2000Lossless
    write_series(tmp_path, hu, AFFINE, change=lambda dataset, k: dataset.compress(jpeg))
    assert np.array_equal(whole(DicomVolume(tmp_path), np.int16), hu)


def test_several_series_are_no_single_scan(tmp_path, write_series):
    write_series(tmp_path / "a", scan(), AFFINE)
    write_series(tmp_path / "b", scan(), AFFINE)
    assert "found 2" in refusal(tmp_path)


def test_a_folder_becomes_cases_by_series(tmp_path, write_series):
    write_series(tmp_path / "flat", scan(1), AFFINE, patient="LUNG1-001")
    write_series(tmp_path / "flat", scan(2)[:, :, :5], AFFINE, patient="LUNG1/002", seed=9)
    for path in list((tmp_path / "flat").iterdir())[:1]:
        (tmp_path / "flat" / ("._" + path.name)).write_bytes(b"\0\5\x16\7")
    (tmp_path / "flat" / "README.txt").write_text("not DICOM")
    # names of the second series replaced some of the first
    series = {dataset.series for dataset in headers(tmp_path)}
    assert len(series) == 2
    cases = find_cases(tmp_path)
    assert [case.name for case in cases] == ["LUNG1-001", "LUNG1_002"]
    assert sum(len(case.files) for case in cases) == 9


def headers(folder):
    from ingest.dicom.files import read_headers

    return read_headers(folder)


def test_two_series_of_a_patient_get_stable_names(tmp_path, write_series):
    write_series(tmp_path / "a", scan(1), AFFINE, patient="P7")
    write_series(tmp_path / "b", scan(2), AFFINE, patient="P7")
    cases = find_cases(tmp_path)
    assert len({case.name for case in cases}) == 2
    assert all(case.name.startswith("P7-") and case.patient == "P7" for case in cases)
    recipe = Recipe(size=16, drop_slices=0)
    first = {case.name: slices_of(case, recipe)[0].image for case in cases}
    assert not np.array_equal(*first.values())


def test_without_pydicom_one_line_says_what_to_install(monkeypatch, tmp_path, write_series):
    write_series(tmp_path, scan(), AFFINE)
    for name in [name for name in sys.modules if name.startswith("ingest.dicom.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(BadCaseError, match=r"pip install pydicom"):
        find_cases(tmp_path)
    monkeypatch.undo()
    importlib.import_module("ingest.dicom.scan")


@pytest.mark.data
def test_the_real_series_holds_the_voxels_of_lung_907(tmp_path, real_data):
    with zipfile.ZipFile(real_data / "dicom" / "4D-Lung-113_HM10395.zip") as archive:
        archive.extractall(tmp_path)
    volume = DicomVolume(tmp_path / "4D-Lung-113_HM10395")
    crop = nib.load(real_data / "lung" / "imagesTr" / "lung_907.nii.gz")
    # The crop's first voxel in the series' grid, by the two affines; it reaches 5 slices below
    i, j, k = np.rint(np.linalg.solve(volume.grid.matrix, crop.affine)[:3, 3]).astype(int)
    hu = whole(volume, np.int16)
    assert (k, hu.shape) == (-5, (512, 512, 38))
    expected = np.asarray(crop.dataobj)[:, :, -k : 38 - k]
    assert np.array_equal(hu[i : i + 160, j : j + 160], expected)


def test_a_scan_read_for_prediction_knows_its_case(tmp_path, write_series):
    write_series(tmp_path, scan(), AFFINE)
    case = Case(name="x", image=tmp_path, label=None, patient="x")
    assert len(load_scan(case, Recipe(size=16, drop_slices=4)).z) == SHAPE[2] - 4
