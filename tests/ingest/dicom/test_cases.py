"""The laws of an archive of DICOM files: a file that is no good costs its own case, in words."""

import logging
import shutil

import numpy as np
import pydicom
import pytest

from ingest.case import BadCaseError
from ingest.find_cases import find_cases
from ingest.job.build import build_shards
from ingest.job.check import check
from ingest.options import BuildShards, Check
from ingest.recipe import Recipe
from ingest.slices.scan_slices import load_scan

AFFINE = np.array([[-0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
HU = np.random.default_rng(0).integers(-1000, 500, (12, 12, 5), dtype=np.int16)
SQUARE = np.array([[2.5, 2.5], [8.5, 2.5], [8.5, 8.5], [2.5, 8.5]])


@pytest.fixture
def archive(tmp_path, write_series, write_rtstruct):
    """Folder with three patients, each with a scan and a mask in a folder of its own."""
    source = tmp_path / "archive"
    for patient in ("P1", "P2", "P3"):
        datasets = write_series(source / patient, HU, AFFINE, patient=patient)
        write_rtstruct(source / patient / "rt.dcm", datasets, [(0, 2, SQUARE)])
    return source


def problems(source):
    return {case.name: case.problem for case in find_cases(source) if case.problem}


def cut(path):
    path.write_bytes(path.read_bytes()[:500])


def empty(path):
    path.write_bytes(b"")


def without_series(path):
    values = pydicom.dcmread(path)
    del values.SeriesInstanceUID
    values.save_as(path)


def unreadable_rows(path):
    content = path.read_bytes()
    place = content.index(b"\x28\0\x10\0US\2\0") + 6
    path.write_bytes(content[:place] + b"\1\0" + content[place + 2 :])


DAMAGES = [
    (name, damage) for name in ("IM0002", "rt.dcm") for damage in (cut, empty, without_series)
]


@pytest.mark.parametrize(("name", "damage"), [*DAMAGES, ("IM0002", unreadable_rows)])
def test_a_damaged_file_is_a_problem_of_its_patient_alone(archive, name, damage):
    damage(archive / "P2" / name)
    found = problems(archive)
    assert list(found) == ["P2"]
    assert str(archive / "P2" / name) in found["P2"]
    assert [case.name for case in find_cases(archive)] == ["P1", "P2", "P3"]


@pytest.mark.parametrize("name", ["junk.dcm", "IM0001"])
def test_a_damaged_file_of_nobody_is_a_case_by_itself(archive, name):
    (archive / name).write_bytes(b"")
    found = find_cases(archive)
    assert len(found) == 4
    (stray,) = (case for case in found if case.problem)
    assert stray.name.startswith(name.removesuffix(".dcm") + "-")
    assert str(archive / name) in stray.problem
    assert stray.files == (archive / name,)


def test_a_build_goes_on_past_a_damaged_file_and_check_names_it(archive, tmp_path):
    cut(archive / "P2" / "IM0002")
    recipe = {"size": 12, "drop_slices": 0, "workers": 1}
    build = BuildShards(source=archive, out=str(tmp_path / "out"), **recipe)
    result = build_shards(build)
    assert (result["cases"], list(result["rejected"]), result["exit_code"]) == (2, ["P2"], 1)
    found = check(Check(source=archive, **recipe))
    fatal = [finding for finding in found["findings"] if finding["level"] == "fatal"]
    assert [finding["case"] for finding in fatal] == ["P2"]
    assert "IM0002" in fatal[0]["message"]


def test_a_damaged_file_stops_a_prediction_of_its_case(archive):
    empty(archive / "P2" / "IM0002")
    case = next(case for case in find_cases(archive) if case.name == "P2")
    with pytest.raises(BadCaseError, match="IM0002"):
        load_scan(case, Recipe(size=12, drop_slices=0))


def test_an_archive_without_preambles_loses_no_patient(archive):
    for path in (archive / "P2").iterdir():
        values = pydicom.dcmread(path)
        del values.file_meta
        values.preamble = None
        values.save_as(path, implicit_vr=True, little_endian=True)
    (archive / "P2" / "rt.dcm").rename(archive / "P2" / "rt")
    assert [(case.name, case.problem) for case in find_cases(archive)] == [
        (name, "") for name in ("P1", "P2", "P3")
    ]


def test_an_archive_copied_twice_has_each_case_once(archive, caplog):
    before = [(case.name, len(case.files)) for case in find_cases(archive)]
    shutil.copytree(archive / "P1", archive / "copy" / "P1")
    assert [(case.name, len(case.files)) for case in find_cases(archive)] == before
    assert problems(archive) == {}
    assert "left out 6 DICOM files that are there twice" in caplog.text


def test_dicom_files_are_read_once_for_a_check(archive, monkeypatch):
    import ingest.dicom.cases

    calls = []
    monkeypatch.setattr(
        ingest.dicom.cases, "find_dicom_cases", lambda source, roi: calls.append(source) or []
    )
    for subset in ("training", "test"):
        with pytest.raises(BadCaseError):
            find_cases(archive, subset=subset)
    assert len(calls) == 1


def refer_to(series):
    def change(values):
        study = values.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
        study.RTReferencedSeriesSequence[0].SeriesInstanceUID = series

    return change


def off_frame(values):
    refer_to("1.2.3")(values)
    values.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID = "1.2.4"


def test_a_mask_of_an_absent_series_is_named_with_that_series(
    archive, write_series, write_rtstruct
):
    datasets = write_series(archive / "P4", HU, AFFINE, patient="P4")
    path = write_rtstruct(archive / "P4" / "rt.dcm", datasets, [], change=off_frame)
    assert problems(archive) == {
        "P4": f"{path} was drawn on series 1.2.3, which is not here: add the series, or take the "
        "mask out"
    }


def test_a_mask_of_an_absent_series_and_patient_is_a_case_by_itself(archive, write_rtstruct):
    change = off_frame
    (archive / "masks").mkdir()
    datasets = [pydicom.dcmread(archive / "P1" / "IM0000")]
    datasets[0].PatientID = "P9"
    write_rtstruct(archive / "masks" / "lost.dcm", datasets, [], change=change)
    (found,) = problems(archive).items()
    assert found[0].startswith("lost-")
    assert "series 1.2.3, which is not here" in found[1]


def test_the_only_series_in_its_frame_of_reference_takes_a_mask(
    archive, write_series, write_rtstruct, caplog
):
    datasets = write_series(archive / "P4", HU, AFFINE, patient="P4")
    path = write_rtstruct(archive / "P4" / "rt.dcm", datasets, [], change=refer_to("1.2.3"))
    assert problems(archive) == {}
    assert next(case for case in find_cases(archive) if case.name == "P4").label == path
    assert "series 1.2.3, which is not here" in caplog.text


def test_a_second_mask_of_an_absent_series_is_said_and_costs_nothing(
    archive, write_rtstruct, caplog
):
    datasets = [pydicom.dcmread(archive / "P1" / "IM0000")]
    write_rtstruct(archive / "P1" / "other.dcm", datasets, [], change=off_frame)
    assert problems(archive) == {}
    assert "other.dcm was drawn on series 1.2.3" in caplog.text


def test_images_of_another_kind_and_their_masks_are_nobodys_problem(
    archive, write_rtstruct, caplog
):
    values = pydicom.dcmread(archive / "P1" / "IM0000")
    values.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"  # MR
    values.SeriesInstanceUID, values.FrameOfReferenceUID = "1.2.5", "1.2.6"
    values.SOPInstanceUID = values.file_meta.MediaStorageSOPInstanceUID = "1.2.7"
    values.save_as(archive / "P1" / "mr.dcm")
    write_rtstruct(archive / "P1" / "on_mr.dcm", [values], [])
    with caplog.at_level(logging.INFO):
        assert problems(archive) == {}
    (said,) = caplog.messages
    assert said.startswith("left out 1 DICOM files in")
    assert said.endswith("P1/mr.dcm")


def test_a_series_without_mask_among_several_is_named_with_folder_and_description(
    archive, write_series
):
    def describe(values, k):
        values.SeriesDescription = "MPR cor 3.0"

    write_series(archive / "P1" / "mpr", HU[:, :, :3], AFFINE, patient="P1", change=describe)
    (problem,) = problems(archive).values()
    assert f"series 'MPR cor 3.0' of patient P1 in {archive / 'P1' / 'mpr'} has no mask" in problem


@pytest.mark.slow
def test_the_number_of_workers_changes_no_byte(archive, tmp_path):
    sets = []
    for workers in (1, 3):
        out = tmp_path / f"out{workers}"
        build_shards(
            BuildShards(source=archive, out=str(out), size=12, drop_slices=0, workers=workers)
        )
        sets.append({path.name: path.read_bytes() for path in sorted(out.rglob("*.*"))})
    assert sets[0] == sets[1]
    assert len(sets[0]) == 5
