"""The laws of DICOM masks: exact areas, even-odd holes, the voxels that the drawing meant."""

import zipfile

import nibabel as nib
import numpy as np
import pytest

from ingest.build import build_shards
from ingest.cases import BadCaseError, find_cases
from ingest.contours import fill_even_odd
from ingest.dicom import DicomVolume
from ingest.dicom_masks import RTSTRUCT, open_mask
from ingest.options import BuildShards
from ingest.recipe import Recipe
from ingest.slices import read_slices
from ingest.volume import whole
from shards.manifest import Manifest

AFFINE = np.array([[-0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
SHAPE = (40, 32, 9)
SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])


def circle(x, y, radius, points=720):
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)


@pytest.mark.parametrize("radius", [3.3, 10.0, 40.25])
def test_the_area_of_a_circle_is_pi_r_squared(radius):
    mask = fill_even_odd([circle(50.21, 49.83, radius, 7200)], (100, 100))
    rows, columns = np.mgrid[:100, :100]
    inside = np.hypot(columns - 50.21, rows - 49.83) < radius
    assert np.array_equal(mask, inside)
    assert mask.sum() == pytest.approx(np.pi * radius**2, rel=0.05)


def test_an_ellipse_on_its_side_has_its_area():
    turn = np.deg2rad(30)
    tilt = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    ellipse = circle(0, 0, 1) * [60, 25] @ tilt.T + [100.4, 90.7]
    assert fill_even_odd([ellipse], (200, 200)).sum() == pytest.approx(np.pi * 60 * 25, rel=5e-3)


def test_squares_side_by_side_share_no_pixel_and_leave_none_out():
    tiles = [SQUARE * 5 + [5 * i, 5 * j] for i in range(4) for j in range(3)]
    masks = [fill_even_odd([tile], (15, 20)) for tile in tiles]
    assert [mask.sum() for mask in masks] == [25] * 12
    assert np.array_equal(sum(masks), np.ones((15, 20)))


def test_a_polygon_within_another_is_a_hole():
    mask = fill_even_odd([circle(20.1, 20.2, 15), circle(20.1, 20.2, 6)], (40, 40))
    assert mask[20, 20] == 0
    assert mask.sum() == pytest.approx(np.pi * (15**2 - 6**2), rel=0.02)


def test_a_channel_of_no_width_joins_a_hole_to_the_rim():
    outer, inner = SQUARE * 20.0 + 5.5, SQUARE[::-1] * 8.0 + 10.5
    keyhole = np.concatenate([outer, outer[:1], inner, inner[:1]])
    mask = fill_even_odd([keyhole], (32, 32))
    assert mask.sum() == 20 * 20 - 8 * 8
    assert not mask[11:18, 11:18].any()


def test_arithmetics_noise_on_pixel_centers_changes_nothing():
    rng = np.random.default_rng(0)
    diamond = np.array([[10, 4], [16, 10], [10, 16], [4, 10]], float)
    exact = fill_even_odd([diamond], (20, 20))
    for _ in range(50):
        noisy = diamond + rng.normal(0, 1e-10, diamond.shape)
        assert np.array_equal(fill_even_odd([noisy], (20, 20)), exact)


def test_what_lies_off_the_slice_is_cut_and_less_than_a_triangle_is_nothing():
    assert fill_even_odd([SQUARE * 100.0 - 50], (20, 30)).all()
    assert fill_even_odd([SQUARE * 10.0 - 5.5], (20, 30)).sum() == 25
    assert not fill_even_odd([SQUARE[:2] * 10.0, np.zeros((0, 2))], (20, 30)).any()


@pytest.fixture
def series(tmp_path, write_series):
    """Folder of a series, with its datasets."""
    hu = np.random.default_rng(0).integers(-1000, 500, SHAPE, dtype=np.int16)
    return tmp_path / "ct", write_series(tmp_path / "ct", hu, AFFINE)


def write_rtstruct(path, datasets, contours, *, names=("Tumor",), refer=True):
    """Contours: (region number, slice index, (n, 2) polygon in pixels), as an RTSTRUCT file."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    file = Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = RTSTRUCT
    file.SOPInstanceUID = file.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    file.SeriesInstanceUID, file.PatientID = generate_uid(), "P1"
    frame = item(FrameOfReferenceUID=datasets[0].FrameOfReferenceUID)
    if refer:
        on = item(SeriesInstanceUID=datasets[0].SeriesInstanceUID)
        frame.RTReferencedStudySequence = [item(RTReferencedSeriesSequence=[on])]
    file.ReferencedFrameOfReferenceSequence = [frame]
    file.StructureSetROISequence = [
        item(ROINumber=number, ROIName=name) for number, name in enumerate(names)
    ]
    file.ROIContourSequence = [
        item(
            ReferencedROINumber=region,
            ContourSequence=[
                contour(voxels, k) for number, k, voxels in contours if number == region
            ],
        )
        for region in range(len(names))
    ]
    file.save_as(path, enforce_file_format=True)
    return path


def item(**values):
    from pydicom.dataset import Dataset

    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def contour(polygon, k):
    voxels = np.column_stack([polygon, np.full(len(polygon), k)])
    points = (voxels @ AFFINE[:3, :3].T + AFFINE[:3, 3]) * [-1, -1, 1]
    return item(
        ContourGeometricType="CLOSED_PLANAR",
        NumberOfContourPoints=len(points),
        ContourData=[f"{value:.7g}" for value in points.ravel()],
    )


def test_contours_fill_the_slices_they_were_drawn_on(tmp_path, series):
    folder, datasets = series
    ring = [(0, 3, circle(15, 12, 8)), (0, 3, circle(15, 12, 3)), (0, 6, circle(20, 20, 5))]
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, ring)
    mask = whole(open_mask(path, on=DicomVolume(folder).grid), np.uint8)
    assert mask.sum(axis=(0, 1)).nonzero()[0].tolist() == [3, 6]
    expected = fill_even_odd([ring[0][2], ring[1][2]], (32, 40))
    assert np.array_equal(mask[:, :, 3].T, expected)


def test_regions_join_and_a_pattern_names_them_in_any_case(tmp_path, series):
    folder, datasets = series
    drawn = [(0, 3, circle(15, 12, 5)), (1, 3, circle(18, 12, 5)), (2, 3, circle(30, 25, 3))]
    names = ("GTV-1", "gtv-2", "Heart")
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, drawn, names=names)
    grid = DicomVolume(folder).grid
    one, two, both = (
        whole(open_mask(path, on=grid, roi=roi), np.uint8)[:, :, 3]
        for roi in ("gtv-1", "GTV-2", "gtv*")
    )
    assert np.array_equal(both, one | two)
    assert (one & two).any()


def test_a_region_must_be_named_when_there_are_several(tmp_path, series):
    folder, datasets = series
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, [], names=("Tumor", "Heart"))
    for roi, words in (("", "need one region, or --roi NAME"), ("Lung", "named 'Lung'")):
        with pytest.raises(BadCaseError, match=f"{words}, found Heart, Tumor"):
            open_mask(path, on=DicomVolume(folder).grid, roi=roi)


@pytest.mark.parametrize(
    ("k", "words"), [(9, "slice 9 of a scan with slices 0 to 8"), (3.4, "0.40 slice steps off")]
)
def test_contours_beside_the_slices_are_refused(tmp_path, series, k, words):
    folder, datasets = series
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, [(0, k, circle(15, 12, 5))])
    with pytest.raises(BadCaseError, match=words):
        open_mask(path, on=DicomVolume(folder).grid)


def test_points_and_lines_are_no_region(tmp_path, series):
    folder, datasets = series
    drawn = [(0, 3, circle(15, 12, 5)), (0, 4, SQUARE[:1] + 9.0), (0, 5, SQUARE[:2] + 9.0)]
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, drawn)
    mask = whole(open_mask(path, on=DicomVolume(folder).grid), np.uint8)
    assert mask.any(axis=(0, 1)).nonzero()[0].tolist() == [3]


@pytest.mark.parametrize("refer", [True, False])
def test_a_case_is_a_series_with_the_contours_drawn_on_it(tmp_path, series, write_series, refer):
    _, datasets = series
    other = np.zeros(SHAPE, np.int16)
    write_series(tmp_path / "other", other, AFFINE, patient="P2")
    path = write_rtstruct(tmp_path / "rt.dcm", datasets, [(0, 3, circle(15, 12, 5))], refer=refer)
    first, second = find_cases(tmp_path, roi="tumor")
    assert (first.name, first.label, first.roi) == ("P1", path, "tumor")
    assert (second.name, second.label) == ("P2", None)
    records = list(read_slices(first, Recipe(size=40, drop_slices=0)))
    assert [record.z for record in records if record.mask.any()] == [3]


def test_two_files_with_the_region_are_a_problem(tmp_path, series):
    _, datasets = series
    for name in ("a.dcm", "b.dcm"):
        write_rtstruct(tmp_path / name, datasets, [], names=("Tumor",))
    (case,) = find_cases(tmp_path)
    assert "may have one mask, found 2 with region 'any'" in case.problem


def write_seg(path, datasets, masks, **options):
    """A DICOM-SEG with one segment per mask (i, j, k), made by highdicom."""
    import highdicom
    from pydicom.sr.codedict import codes

    segments = [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=label,
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=codes.SCT.Neoplasm,
            algorithm_type="MANUAL",
        )
        for number, label in enumerate(masks, start=1)
    ]
    pixels = np.stack([mask.transpose(2, 1, 0) for mask in masks.values()], axis=-1)
    highdicom.seg.Segmentation(
        source_images=datasets,
        pixel_array=pixels,
        segment_descriptions=segments,
        series_instance_uid=highdicom.UID(),
        series_number=1,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="m",
        manufacturer_model_name="m",
        software_versions="1",
        device_serial_number="1",
        **{"segmentation_type": "BINARY", **options},
    ).save_as(path)
    return path


def blob(seed):
    mask = np.zeros(SHAPE, np.uint8)
    mask[5 + seed : 15, 8:20, 2:6] = np.random.default_rng(seed).random((10 - seed, 12, 4)) < 0.5
    return mask


def test_segments_lie_on_their_voxels(tmp_path, series):
    folder, datasets = series
    masks = {"Tumor": blob(1), "Node": blob(2)}
    path = write_seg(tmp_path / "seg.dcm", datasets, masks)
    grid = DicomVolume(folder).grid
    for name, mask in masks.items():
        assert np.array_equal(whole(open_mask(path, on=grid, roi=name), np.uint8), mask)
    both = whole(open_mask(path, on=grid, roi="*"), np.uint8)
    assert np.array_equal(both, blob(1) | blob(2))


def test_a_fractional_segment_counts_from_one_half(tmp_path, series):
    folder, datasets = series
    share = np.where(blob(1), 0.6, 0.4).astype(np.float32)
    path = write_seg(
        tmp_path / "seg.dcm", datasets, {"Tumor": share}, segmentation_type="FRACTIONAL"
    )
    mask = whole(open_mask(path, on=DicomVolume(folder).grid), np.uint8)
    assert np.array_equal(mask, blob(1))


def test_a_label_map_marks_its_segments(tmp_path, series):
    folder, datasets = series
    masks = {"Tumor": blob(1), "Node": blob(2) & ~blob(1) & 1}
    path = write_seg(tmp_path / "seg.dcm", datasets, masks, segmentation_type="LABELMAP")
    mask = whole(open_mask(path, on=DicomVolume(folder).grid, roi="node"), np.uint8)
    assert np.array_equal(mask, masks["Node"])


def test_a_segment_off_the_scans_voxels_is_refused(tmp_path, series, write_series):
    _, datasets = series
    path = write_seg(tmp_path / "seg.dcm", datasets, {"Tumor": blob(1)})
    moved = AFFINE.copy()
    moved[0, 3] += 0.2
    write_series(tmp_path / "moved", np.zeros(SHAPE, np.int16), moved)
    with pytest.raises(BadCaseError, match=r"0\.29 voxels off"):
        open_mask(path, on=DicomVolume(tmp_path / "moved").grid)


def test_a_segment_wins_over_contours_of_the_same_name(tmp_path, series):
    _, datasets = series
    write_rtstruct(tmp_path / "a.dcm", datasets, [], names=("Tumor",))
    path = write_seg(tmp_path / "b.dcm", datasets, {"Tumor": blob(1)})
    (case,) = find_cases(tmp_path, roi="Tumor")
    assert case.label == path


@pytest.mark.data
def test_the_real_contours_are_the_label_of_lung_907(tmp_path, real_data):
    with zipfile.ZipFile(real_data / "dicom" / "4D-Lung-113_HM10395.zip") as archive:
        archive.extractall(tmp_path)
    (case,) = find_cases(tmp_path, roi="Tumor_c40")
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
    options = {"roi": "tumor*", "drop_slices": 0, "workers": 1}
    build = BuildShards(source=tmp_path / "scans", out=str(tmp_path / "out"), **options)
    assert build_shards(build)["cases"] == 1
    again = build_shards(build)
    assert (again["built_now"], again["tumor_slices"]) == (0, 28)
    text = (tmp_path / "out" / "manifest.json").read_bytes()
    (entry,) = Manifest.from_json(text, where="out").cases.values()
    assert (entry.tumor_voxels, entry.patient) == (23611, "113_HM10395")
