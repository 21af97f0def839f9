"""The laws of DICOM masks: the voxels that the drawing meant, or a refusal that says why not."""

import zipfile

import nibabel as nib
import numpy as np
import pytest

from ingest.case import BadCaseError
from ingest.dicom.masks.open import open_mask
from ingest.dicom.masks.polygons import fill_even_odd
from ingest.dicom.scan import DicomVolume
from ingest.find_cases import find_cases
from ingest.job.build import build_shards
from ingest.options import BuildShards
from ingest.recipe import Recipe
from ingest.scans.volume import whole
from shards.manifest import Manifest
from tests.toy_cases import slices_of

AFFINE = np.array([[-0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
SHAPE = (40, 32, 9)
SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])


def circle(x, y, radius, points=720):
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)


@pytest.fixture
def series(tmp_path, write_series):
    """Folder of a series, with its datasets."""
    hu = np.random.default_rng(0).integers(-1000, 500, SHAPE, dtype=np.int16)
    return tmp_path / "ct", write_series(tmp_path / "ct", hu, AFFINE)


def test_contours_fill_the_slices_they_were_drawn_on(tmp_path, series, write_rtstruct):
    folder, datasets = series
    ring = [(0, 3, circle(15, 12, 8)), (0, 3, circle(15, 12, 3)), (0, 6, circle(20, 20, 5))]
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, ring)
    mask = whole(open_mask(path, on=DicomVolume(folder).grid), np.uint8)
    assert mask.sum(axis=(0, 1)).nonzero()[0].tolist() == [3, 6]
    expected = fill_even_odd([ring[0][2], ring[1][2]], (32, 40))
    assert np.array_equal(mask[:, :, 3].T, expected)


def test_regions_join_and_a_pattern_names_them_in_any_case(tmp_path, series, write_rtstruct):
    folder, datasets = series
    drawn = [(0, 3, circle(15, 12, 5)), (1, 3, circle(18, 12, 5)), (2, 3, circle(30, 25, 3))]
    names = ("GTV-1", "gtv-2", "Heart")
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, drawn, names=names)
    grid = DicomVolume(folder).grid
    one, two, both = (
        whole(open_mask(path, on=grid, roi=(roi,)), np.uint8)[:, :, 3]
        for roi in ("gtv-1", "GTV-2", "gtv*")
    )
    assert np.array_equal(both, one | two)
    assert (one & two).any()


def test_a_region_must_be_named_when_there_are_several(tmp_path, series, write_rtstruct):
    folder, datasets = series
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, [], names=("Tumor", "Heart"))
    for roi, words in (((), "need one region, or --roi NAME"), (("Lung",), "named 'Lung'")):
        with pytest.raises(BadCaseError, match=f"{words}, found Heart, Tumor"):
            open_mask(path, on=DicomVolume(folder).grid, roi=roi)


def test_a_name_that_is_equal_counts_before_a_pattern(tmp_path, series, write_rtstruct):
    folder, datasets = series
    drawn = [(0, 3, circle(15, 12, 5)), (1, 4, circle(18, 12, 5)), (2, 5, circle(18, 12, 5))]
    names = ("GTV [1]", "GTV 1", "gtv [12]")
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, drawn, names=names)
    grid = DicomVolume(folder).grid
    for roi, slices in (("gtv [1]", [3]), ("GTV 1", [4]), ("gtv [[]*", [3, 5])):
        mask = whole(open_mask(path, on=grid, roi=(roi,)), np.uint8)
        assert mask.any(axis=(0, 1)).nonzero()[0].tolist() == slices


def break_region(values):
    del values.StructureSetROISequence[0].ROINumber


def break_drawing(values):
    del values.ROIContourSequence


def break_reference(values):
    del values.ROIContourSequence[0].ReferencedROINumber


def break_contour(values):
    del values.ROIContourSequence[0].ContourSequence[0].ContourData


def break_point(values):
    values.ROIContourSequence[0].ContourSequence[0].ContourData = ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (break_region, "ROINumber"),
        (break_drawing, "ROIContourSequence"),
        (break_reference, "ReferencedROINumber"),
        (break_contour, "ContourData"),
        (break_point, "points of 3 numbers, found 4"),
    ],
)
def test_an_rtstruct_with_something_left_out_is_named(
    tmp_path, series, write_rtstruct, change, words
):
    folder, datasets = series
    drawn = [(0, 3, circle(15, 12, 5))]
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, drawn, change=change)
    with pytest.raises(BadCaseError, match=rf"rt\.dcm.*{words}"):
        open_mask(path, on=DicomVolume(folder).grid)
    if change is break_region:
        (case,) = find_cases(tmp_path)
        assert words in case.problem


@pytest.mark.parametrize("kind", ["rt", "seg"])
def test_a_mask_cut_anywhere_is_refused(tmp_path, series, write_rtstruct, write_seg, kind):
    folder, datasets = series
    path = tmp_path / "mask.dcm"
    if kind == "rt":
        write_rtstruct(path, datasets, [(0, 3, circle(15, 12, 5, 6)), (0, 5, circle(9, 9, 2, 6))])
    else:
        write_seg(path, datasets, {"Tumor": blob(1)})
    content, grid = path.read_bytes(), DicomVolume(folder).grid
    step = len(content) // 60
    for length in range(140, len(content), step):
        path.write_bytes(content[:length])
        with pytest.raises(BadCaseError, match=r"mask\.dcm"):
            list(open_mask(path, on=grid).slabs())


def ball(affine, shape):
    """Voxels whose centers lie in one ball of the patient, whatever the grid."""
    voxels = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    points = voxels @ affine[:3, :3].T + affine[:3, 3]
    return np.linalg.norm(points - BALL, axis=-1) < RADIUS


BALL, RADIUS = np.array([6.13, -6.21, -88.37]), 7.31
TILT = nib.eulerangles.euler2mat(0.2, -0.3, 0.25)
ACQUIRED = ["LPS", "LPI", "RAS", "PIL", "AIR", "LSP", "RIA"]


def acquired_as(orientation, write_series, folder, tilt):
    """The series of one scan, acquired along other axes: its datasets, affine and shape."""
    image = nib.Nifti1Image(np.random.default_rng(0).integers(-1000, 500, SHAPE, "i2"), AFFINE)
    change = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("LPS"), nib.orientations.axcodes2ornt(orientation)
    )
    stored = image.as_reoriented(change)
    affine = stored.affine.copy()
    if tilt:
        affine[:3, :3] = TILT @ affine[:3, :3]
        center = (np.array(stored.shape) - 1) / 2
        affine[:3, 3] = BALL - affine[:3, :3] @ center
    datasets = write_series(folder, np.asarray(stored.dataobj), affine)
    return datasets, affine, stored.shape


@pytest.mark.parametrize("tilt", [False, True])
@pytest.mark.parametrize("orientation", ACQUIRED)
def test_contours_of_any_acquisition_lie_where_they_were_drawn(
    tmp_path, write_series, write_rtstruct, orientation, tilt
):
    datasets, affine, shape = acquired_as(orientation, write_series, tmp_path / "ct", tilt)
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, sections(affine, shape), affine=affine)
    grid = DicomVolume(tmp_path / "ct").grid
    mask = whole(open_mask(path, on=grid), np.uint8)
    assert mask.sum() > 100
    assert np.array_equal(mask, ball(grid.matrix, grid.shape))


def sections(affine, shape):
    """The ball's outline in each slice, (region, slice, (n, 2) in pixels)."""
    pitch = np.linalg.norm(affine[:3, :3], axis=0)
    center = np.linalg.solve(affine, [*BALL, 1])[:3]
    contours = []
    for k in range(shape[2]):
        square = RADIUS**2 - ((k - center[2]) * pitch[2]) ** 2
        if square > 0:
            outline = circle(0, 0, np.sqrt(square), 360) / pitch[:2] + center[:2]
            contours.append((0, k, outline))
    return contours


@pytest.mark.parametrize("tilt", [False, True])
@pytest.mark.parametrize("orientation", ACQUIRED)
def test_segments_of_any_acquisition_lie_where_they_were_drawn(
    tmp_path, write_series, write_seg, orientation, tilt
):
    datasets, affine, shape = acquired_as(orientation, write_series, tmp_path / "ct", tilt)
    drawn = ball(affine, shape).astype(np.uint8)
    path = write_seg(tmp_path / "seg.dcm", datasets, {"Tumor": drawn})
    grid = DicomVolume(tmp_path / "ct").grid
    mask = whole(open_mask(path, on=grid), np.uint8)
    assert mask.sum() > 100
    assert np.array_equal(mask, ball(grid.matrix, grid.shape))


@pytest.mark.parametrize(
    ("k", "words"), [(9, "slice 9 of a scan with slices 0 to 8"), (3.4, "0.40 slice steps off")]
)
def test_contours_beside_the_slices_are_refused(tmp_path, series, k, words, write_rtstruct):
    folder, datasets = series
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, [(0, k, circle(15, 12, 5))])
    with pytest.raises(BadCaseError, match=words):
        open_mask(path, on=DicomVolume(folder).grid)


def test_slices_left_out_between_contours_are_said(tmp_path, series, write_rtstruct):
    folder, datasets = series
    square = SQUARE * 5 + 3.5
    dense, sparse = [(0, k, square) for k in (2, 3, 4)], [(1, k, square) for k in (1, 3, 5, 7)]
    names = ("Node", "Tumor")
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, dense + sparse, names=names)
    grid = DicomVolume(folder).grid
    assert open_mask(path, on=grid, roi=("node",)).remarks == []
    (remark,) = open_mask(path, on=grid, roi=("tumor",)).remarks
    assert "region 'Tumor' has no contour on 3 of the slices" in remark
    assert "(2, 4, 6)" in remark


def test_points_and_lines_are_no_region(tmp_path, series, write_rtstruct):
    folder, datasets = series
    drawn = [(0, 3, circle(15, 12, 5)), (0, 4, SQUARE[:1] + 9.0), (0, 5, SQUARE[:2] + 9.0)]
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, drawn)
    mask = whole(open_mask(path, on=DicomVolume(folder).grid), np.uint8)
    assert mask.any(axis=(0, 1)).nonzero()[0].tolist() == [3]


@pytest.mark.parametrize("refer", [True, False])
def test_a_case_is_a_series_with_the_contours_drawn_on_it(
    tmp_path, series, write_series, refer, write_rtstruct
):
    _, datasets = series
    other = np.zeros(SHAPE, np.int16)
    write_series(tmp_path / "other", other, AFFINE, patient="P2")
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, [(0, 3, circle(15, 12, 5))], refer=refer)
    first, second = find_cases(tmp_path, roi=("tumor",))
    assert (first.name, first.label, first.roi) == ("P1", path, ("tumor",))
    assert (second.name, second.label) == ("P2", None)
    records = slices_of(first, Recipe(size=40, drop_slices=0))
    assert [record.z for record in records if record.mask.any()] == [3]


def test_two_files_with_the_region_are_a_problem(tmp_path, series, write_rtstruct):
    _, datasets = series
    for name in ("a.dcm", "b.dcm"):
        write_rtstruct(tmp_path / name, datasets, [], names=("Tumor",))
    (case,) = find_cases(tmp_path)
    assert "may have one mask, found 2 with region 'any'" in case.problem


def blob(seed):
    mask = np.zeros(SHAPE, np.uint8)
    mask[5 + seed : 15, 8:20, 2:6] = np.random.default_rng(seed).random((10 - seed, 12, 4)) < 0.5
    return mask


def test_segments_lie_on_their_voxels(tmp_path, series, write_seg):
    folder, datasets = series
    masks = {"Tumor": blob(1), "Node": blob(2)}
    path = write_seg(tmp_path / "seg.dcm", datasets, masks)
    grid = DicomVolume(folder).grid
    for name, mask in masks.items():
        assert np.array_equal(whole(open_mask(path, on=grid, roi=(name,)), np.uint8), mask)
    both = whole(open_mask(path, on=grid, roi=("*",)), np.uint8)
    assert np.array_equal(both, blob(1) | blob(2))


def test_a_fractional_segment_counts_from_one_half(tmp_path, series, write_seg):
    folder, datasets = series
    share = np.where(blob(1), 0.6, 0.4).astype(np.float32)
    path = write_seg(
        tmp_path / "seg.dcm", datasets, {"Tumor": share}, segmentation_type="FRACTIONAL"
    )
    mask = whole(open_mask(path, on=DicomVolume(folder).grid), np.uint8)
    assert np.array_equal(mask, blob(1))


def test_a_label_map_marks_its_segments(tmp_path, series, write_seg):
    folder, datasets = series
    masks = {"Tumor": blob(1), "Node": blob(2) & ~blob(1) & 1}
    path = write_seg(tmp_path / "seg.dcm", datasets, masks, segmentation_type="LABELMAP")
    mask = whole(open_mask(path, on=DicomVolume(folder).grid, roi=("node",)), np.uint8)
    assert np.array_equal(mask, masks["Node"])


def test_a_segment_off_the_scans_voxels_is_refused(tmp_path, series, write_series, write_seg):
    _, datasets = series
    path = write_seg(tmp_path / "seg.dcm", datasets, {"Tumor": blob(1)})
    moved = AFFINE.copy()
    moved[0, 3] += 0.2
    write_series(tmp_path / "moved", np.zeros(SHAPE, np.int16), moved)
    with pytest.raises(BadCaseError, match=r"0\.29 voxels off"):
        open_mask(path, on=DicomVolume(tmp_path / "moved").grid)


def test_a_segment_wins_over_contours_of_the_same_name(tmp_path, series, write_rtstruct, write_seg):
    _, datasets = series
    write_rtstruct(tmp_path / "a.dcm", datasets, [], names=("Tumor",))
    path = write_seg(tmp_path / "b.dcm", datasets, {"Tumor": blob(1)})
    (case,) = find_cases(tmp_path, roi=("Tumor",))
    assert case.label == path


@pytest.mark.data
def test_the_real_contours_are_the_label_of_lung_907(tmp_path, real_data):
    with zipfile.ZipFile(real_data / "dicom" / "4D-Lung-113_HM10395.zip") as archive:
        archive.extractall(tmp_path)
    (case,) = find_cases(tmp_path, roi=("Tumor_c40",))
    grid = DicomVolume(case.image, case.files).grid
    mask = whole(open_mask(case.label, on=grid, roi=case.roi), np.uint8)
    label = nib.load(real_data / "lung" / "labelsTr" / "lung_907.nii.gz")
    # The label is a crop: its first voxel's place in the series, by the two affines
    i, j, k = np.rint(np.linalg.solve(grid.matrix, label.affine)[:3, 3]).astype(int)
    expected = np.asarray(label.dataobj)
    assert expected.sum() == mask.sum() == 23611
    assert np.array_equal(mask[i : i + 160, j : j + 160], expected[:, :, -k : 38 - k])


@pytest.mark.data
def test_the_real_series_becomes_a_shard_with_its_tumor(tmp_path, real_data):
    with zipfile.ZipFile(real_data / "dicom" / "4D-Lung-113_HM10395.zip") as archive:
        archive.extractall(tmp_path / "scans")
    options = {"roi": ("tumor*",), "drop_slices": 0, "workers": 1}
    build = BuildShards(source=tmp_path / "scans", out=str(tmp_path / "out"), **options)
    assert build_shards(build)["cases"] == 1
    again = build_shards(build)
    assert (again["built_now"], again["tumor_slices"]) == (0, 28)
    text = (tmp_path / "out" / "manifest.json").read_bytes()
    (entry,) = Manifest.from_json(text, where="out").cases.values()
    assert (entry.tumor_voxels, entry.patient) == (23611, "113_HM10395")
