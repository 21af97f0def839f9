"""A mask written as DICOM-SEG lies on its series, for every reader."""

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK

from ingest.case import BadCaseError
from ingest.dicom.masks.open import open_mask
from ingest.dicom.scan import DicomVolume
from ingest.dicom.segmentation import MadeBy, needed_writer, write_segmentation
from ingest.scans.volume import whole

MADE_BY = MadeBy(name="lungseg", version="1.2", parameters={"checkpoint sha256": "f" * 64})
SHAPE = (12, 10, 9)  # GDCM, in SimpleITK, reads frames of whole bytes alone
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def blob(seed=0):
    """Two lesions with slices between them."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:9, 3:7, 2:4] = np.random.default_rng(seed).random((7, 4, 2)) < 0.7
    mask[5:8, 1:9, 6] = 1
    return mask


def affine(*, order=(0, 1, 2), signs=(-1, -1, 1), tilt_degrees=0.0):
    """RAS, anisotropic, and turned about x."""
    turned = np.eye(4)
    turned[:3, :3] = np.eye(3)[:, order] * np.array(signs)
    if np.linalg.det(turned) < 0:
        turned[:3, 2] *= -1  # slices go along the normal, as DICOM has them
    angle = np.radians(tilt_degrees)
    tilt = np.eye(4)
    tilt[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    scaled = tilt @ turned @ np.diag([0.7, 0.9, 2.5, 1])
    scaled[:3, 3] = 20, 5, -100
    return scaled


GRIDS = {
    "axial": affine(),
    "columns negated": affine(signs=(1, -1, 1)),
    "rows negated": affine(signs=(-1, 1, 1)),
    "both negated": affine(signs=(1, 1, 1)),
    "oblique": affine(tilt_degrees=21),
    "coronal": affine(order=(0, 2, 1)),
    "sagittal": affine(order=(1, 2, 0)),
}


@pytest.fixture
def write(tmp_path, write_series):
    """Writes a mask (i, j, k) on a series; returns the file and the scan."""

    def write(mask, matrix=GRIDS["axial"], change=None, name="seg.dcm"):
        if not (tmp_path / "ct").exists():
            write_series(tmp_path / "ct", np.zeros(SHAPE, np.int16), matrix, change=change)
        scan = DicomVolume(tmp_path / "ct")
        slabs = {k: mask[:, :, k].T for k in range(SHAPE[2])}
        write_segmentation(tmp_path / name, scan, slabs, MADE_BY)
        return tmp_path / name, scan

    return write


def on_grid(values, matrix, grid):
    """A volume with an LPS affine on another grid, by the places of its voxels; else 0."""
    found = np.zeros(grid.shape, values.dtype)
    voxels = np.argwhere(values)
    homogeneous = np.column_stack((voxels, np.ones(len(voxels))))
    places = np.linalg.solve(LPS @ grid.matrix, matrix @ homogeneous.T).T[:, :3]
    assert np.abs(places - places.round()).max() < 1e-3
    found[tuple(places.round().astype(int).T)] = values[tuple(voxels.T)]
    return found


@pytest.mark.parametrize("which", GRIDS)
def test_three_readers_find_the_voxels_where_they_were_drawn(write, which):
    mask = blob()
    path, scan = write(mask, GRIDS[which])
    assert np.array_equal(whole(open_mask(path, on=scan.grid, roi=()), np.uint8), mask)

    volume = highdicom.seg.segread(path).get_volume(segment_numbers=[1]).squeeze_channel()
    assert np.array_equal(on_grid(volume.array, volume.affine, scan.grid), mask)

    image = SimpleITK.ReadImage(path)
    matrix = np.eye(4)
    turned = np.array(image.GetDirection()).reshape(3, 3)
    matrix[:3, :3] = turned * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    drawn = SimpleITK.GetArrayFromImage(image).T
    assert np.array_equal(on_grid(drawn, matrix, scan.grid) != 0, mask)


def test_a_patient_of_one_name_has_a_mask_without_a_word_of_the_library(write, caplog):
    caplog.set_level("INFO")

    def change(dataset, k):
        dataset.PatientName = "P113"

    path, _ = write(blob(), change=change)
    assert pydicom.dcmread(path).PatientName == "P113"
    assert not caplog.records


def test_it_names_its_series_its_slices_and_its_maker(write):
    path, scan = write(blob())
    values = pydicom.dcmread(path)
    slices = [pydicom.dcmread(file) for file in scan.files]
    first = slices[0]
    for name in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID"):
        assert values[name].value == first[name].value
    (series,) = values.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == first.SeriesInstanceUID != values.SeriesInstanceUID
    assert len(series.ReferencedInstanceSequence) == SHAPE[2]
    frames = values.PerFrameFunctionalGroupsSequence
    assert len(frames) == 5  # from the first slice with tumor to the last
    by_instance = {str(each.SOPInstanceUID): each for each in slices}
    for frame in frames:
        source = by_instance[
            frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        ]
        place = frame.PlanePositionSequence[0].ImagePositionPatient
        assert place == source.ImagePositionPatient
    (segment,) = values.SegmentSequence
    assert (segment.SegmentLabel, segment.SegmentAlgorithmType) == ("Tumor", "AUTOMATIC")
    (algorithm,) = segment.SegmentationAlgorithmIdentificationSequence
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("lungseg", "1.2")
    assert "f" * 64 in algorithm.AlgorithmParameters
    assert values.file_meta.MediaStorageSOPInstanceUID == values.SOPInstanceUID


def test_equal_masks_are_equal_bytes_and_others_other_objects(write):
    paths = [write(blob(seed), name=f"{n}.dcm")[0] for n, seed in enumerate((0, 0, 1))]
    same, again, other = (path.read_bytes() for path in paths)
    assert same == again
    uids = {pydicom.dcmread(path).SOPInstanceUID for path in paths}
    assert same != other
    assert len(uids) == 2


def test_a_scan_without_tumor_is_a_file_without_tumor(write):
    path, scan = write(np.zeros(SHAPE, np.uint8))
    assert not whole(open_mask(path, on=scan.grid, roi=()), np.uint8).any()
    assert highdicom.seg.segread(path).NumberOfFrames == 1


def test_what_deidentification_takes_away_is_not_needed(write):
    def bare(dataset, k):
        for name in ("PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID",
                     "StudyDate", "StudyTime", "ReferringPhysicianName", "SliceThickness",
                     "FrameOfReferenceUID", "StudyInstanceUID", "PatientID"):  # fmt: skip
            delattr(dataset, name)

    path, scan = write(blob(), change=bare)
    values = pydicom.dcmread(path)
    assert (values.PatientID, values.ContentDate) == ("", "19000101")
    assert values.StudyInstanceUID
    assert np.array_equal(whole(open_mask(path, on=scan.grid, roi=()), np.uint8), blob())


def test_the_time_is_the_scans(write):
    def dated(dataset, k):
        dataset.StudyDate, dataset.SeriesDate, dataset.SeriesTime = "20010203", "20010204", "0506"

    values = pydicom.dcmread(write(blob(), change=dated)[0])
    assert (values.ContentDate, values.ContentTime) == ("20010204", "0506")
    assert "InstanceCreationDate" not in values


def test_without_the_library_that_writes_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "highdicom", None)
    with pytest.raises(BadCaseError, match="needs highdicom: pip install"):
        needed_writer()
