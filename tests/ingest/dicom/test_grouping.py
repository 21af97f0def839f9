"""The laws of scans in DICOM: one for each series of a patient, or each phase of it, and said."""

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from ingest.case import BadCaseError
from ingest.dicom.files import HEADER_TAGS, read_headers
from ingest.dicom.grouping import SPLIT_TAGS, ct_scans
from ingest.dicom.scan import DicomVolume
from ingest.find_cases import find_cases
from ingest.recipe import Recipe
from ingest.scans.volume import whole
from tests.toy_cases import slices_of

AFFINE = np.array([[-0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
SQUARE = np.array([[2.5, 2.5], [8.5, 2.5], [8.5, 8.5], [2.5, 8.5]])
PHASES = {
    number: np.random.default_rng(number).integers(-1000, 500, (12, 12, 5), dtype=np.int16)
    for number in (1, 2)
}


def item(**values):
    dataset = pydicom.Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def alike(**elements):
    """A change that gives slices equal identifiers, and whatever else."""

    def change(dataset, k):
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID = "1.2.3", "1.2.4"
        dataset.FrameOfReferenceUID = "1.2.5"
        for name, value in elements.items():
            setattr(dataset, name, value)

    return change


def on_images(datasets):
    """A change that names the images that an RTSTRUCT was drawn on."""

    def change(values):
        study = values.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
        study.RTReferencedSeriesSequence[0].ContourImageSequence = [
            item(ReferencedSOPInstanceUID=dataset.SOPInstanceUID) for dataset in datasets
        ]

    return change


@pytest.fixture
def two_phases(tmp_path, write_series):
    """Folder of one series with two acquisitions at the same places, and the slices of each."""
    datasets = {}
    for number, hu in PHASES.items():
        change = alike(AcquisitionNumber=number)
        made = write_series(tmp_path / "made", hu, AFFINE, change=change)
        (tmp_path / "in").mkdir(exist_ok=True)
        for path in (tmp_path / "made").iterdir():
            path.rename(tmp_path / "in" / f"{number}-{path.name}")
        datasets[number] = made
    return tmp_path / "in", datasets


def hu_of(case):
    return whole(DicomVolume(case.image, case.files), np.int16)


def test_phases_of_one_series_are_scans_of_their_own_and_said(two_phases, caplog):
    folder, _ = two_phases
    cases = find_cases(folder)
    found = [hu_of(case) for case in cases]
    assert sorted(hu.tobytes() for hu in found) == sorted(hu.tobytes() for hu in PHASES.values())
    assert "series 1.2.3 holds 2 scans, told apart by AcquisitionNumber: '1', '2'" in caplog.text
    assert [case.name for case in find_cases(folder)] == [case.name for case in cases]


def test_a_mask_belongs_to_the_phase_whose_images_it_names(two_phases, write_rtstruct):
    folder, datasets = two_phases
    path = write_rtstruct(
        folder / "rt", datasets[2], [(0, 3, SQUARE)], change=on_images(datasets[2])
    )
    (marked,) = (case for case in find_cases(folder) if case.label)
    assert (marked.label, marked.problem) == (path, "")
    assert np.array_equal(hu_of(marked), PHASES[2])
    records = slices_of(marked, Recipe(size=12, drop_slices=0))
    assert [record.z for record in records if record.mask.any()] == [3]


def test_a_mask_that_does_not_say_which_phase_is_a_case_with_that_problem(
    two_phases, write_rtstruct
):
    folder, datasets = two_phases
    write_rtstruct(folder / "rt", datasets[2], [(0, 3, SQUARE)])
    problems = " ".join(case.problem for case in find_cases(folder))
    assert "holds several scans, and does not say which (1.2.3 (AcquisitionNumber 1)" in problems
    assert not any(case.label for case in find_cases(folder))


@pytest.mark.parametrize("patient", ["ANONYMOUS", ""])
def test_scans_whose_identifiers_were_made_equal_are_told_apart_by_their_folders(
    tmp_path, write_series, write_rtstruct, patient, caplog
):
    for number, hu in PHASES.items():
        folder = tmp_path / "in" / f"person{number}"
        made = write_series(
            folder, hu, AFFINE, patient=patient, change=alike(SOPInstanceUID="1.2.9")
        )
        drawn = [(0, number, SQUARE)]
        write_rtstruct(
            folder / "rt", made, drawn, change=lambda file: setattr(file, "SOPInstanceUID", "1.9")
        )
    cases = find_cases(tmp_path / "in")
    assert [case.problem for case in cases] == ["", ""]
    assert "told apart by folder: 'person1', 'person2'" in caplog.text
    for case in cases:
        number = int(case.image.name.removeprefix("person"))
        assert case.label.parent == case.image
        assert np.array_equal(hu_of(case), PHASES[number])


def test_patients_never_share_a_scan(tmp_path, write_series, caplog):
    upper = AFFINE.copy()
    upper[2, 3] += 2.5 * 5
    write_series(tmp_path / "a", PHASES[1], AFFINE, patient="A", change=alike())
    write_series(tmp_path / "b", PHASES[2], upper, patient="B", change=alike())
    assert [case.name for case in find_cases(tmp_path)] == ["A", "B"]
    assert "told apart by PatientID: 'A', 'B'" in caplog.text


def test_two_acquisitions_on_top_of_each_other_are_one_scan(tmp_path, write_series, caplog):
    def change(dataset, k):
        dataset.AcquisitionNumber = 1 + (k > 2)

    write_series(tmp_path, PHASES[1], AFFINE, change=change)
    assert np.array_equal(whole(DicomVolume(tmp_path), np.int16), PHASES[1])
    assert caplog.text == ""


def test_thick_and_thin_slices_of_one_series_are_two_scans(tmp_path, write_series):
    thin = AFFINE.copy()
    thin[2, 2] = 1.25
    write_series(tmp_path / "made", PHASES[1], AFFINE, change=alike(SliceThickness="2.5"))
    write_series(
        tmp_path / "made2",
        np.repeat(PHASES[2], 2, axis=2)[:, :, :9],
        thin,
        change=alike(SliceThickness="1.25"),
    )
    (tmp_path / "in").mkdir()
    for folder in ("made", "made2"):
        for path in (tmp_path / folder).iterdir():
            path.rename(tmp_path / "in" / f"{folder}-{path.name}")
    headers = read_headers(tmp_path / "in", HEADER_TAGS + SPLIT_TAGS)
    assert sorted(map(len, ct_scans(headers).values())) == [5, 9]


def test_what_nothing_tells_apart_stays_whole_and_is_refused(tmp_path, write_series):
    def twice(dataset, k):
        if k == 4:
            dataset.ImagePositionPatient[2] = -92.5

    write_series(tmp_path, PHASES[1], AFFINE, change=twice)
    with pytest.raises(BadCaseError, match=r"two slices lie at -92\.50 mm"):
        DicomVolume(tmp_path)


def test_a_region_in_another_frame_of_reference_is_refused(tmp_path, write_series, write_rtstruct):
    made = write_series(tmp_path / "ct", PHASES[1], AFFINE)
    for frame, words in ((made[0].FrameOfReferenceUID, ""), (generate_uid(), "must lie in")):

        def change(values, frame=frame):
            values.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = frame

        write_rtstruct(tmp_path / "rt", made, [(0, 3, SQUARE)], change=change)
        (case,) = find_cases(tmp_path)
        assert words in case.problem
        assert bool(case.problem) == bool(words)
