"""The laws of DICOM files: each is read, or named with what is wrong; none vanishes."""

import logging
import shutil

import numpy as np
import pydicom
import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from ingest.case import BadCaseError
from ingest.dicom.files import read_headers
from ingest.dicom.scan import DicomVolume
from ingest.dicom.signature import is_dicom
from ingest.scans.volume import whole

AFFINE = np.diag([-0.7, -0.7, 2.5, 1.0])
HU = np.random.default_rng(0).integers(-1000, 500, (10, 8, 5), dtype=np.int16)


@pytest.fixture
def folder(tmp_path, write_series):
    write_series(tmp_path, HU, AFFINE)
    return tmp_path


def refusal(folder):
    with pytest.raises(BadCaseError) as caught:
        list(DicomVolume(folder).slabs())
    return str(caught.value)


def rewrite(path, change, **options):
    values = pydicom.dcmread(path)
    change(values)
    values.save_as(path, **options)


def set_bytes(values, keyword, raw):
    """Set an element to bytes that pydicom would not write by itself."""
    tag = Tag(tag_for_keyword(keyword))
    values[tag] = RawDataElement(tag, dictionary_VR(tag), len(raw), raw, 0, False, True)


@pytest.mark.parametrize(
    ("keyword", "raw"),
    [
        ("ImagePositionPatient", rb"abc\1\2 "),
        ("ImagePositionPatient", rb"1\2 "),
        ("ImagePositionPatient", rb"nan\1\2 "),
        ("ImageOrientationPatient", rb"1\0\0\1\0\0 "),
        ("PixelSpacing", rb"0\0 "),
        ("Rows", b"\1"),
        ("RescaleSlope", b"high"),
        ("RescaleIntercept", rb"1\2 "),
        ("BitsAllocated", b"\1"),
    ],
)
def test_a_value_that_means_nothing_is_named_with_its_file(folder, keyword, raw):
    of_all = keyword in ("PixelSpacing", "ImageOrientationPatient")
    for path in sorted(folder.iterdir())[: None if of_all else 1]:
        rewrite(path, lambda values: set_bytes(values, keyword, raw))
    said = refusal(folder)
    assert "IM0000" in said
    assert keyword in said or "PixelData" in said
    assert "\n" not in said


def test_a_file_without_transfer_syntax_is_named(folder):
    def forget(values):
        del values.file_meta.TransferSyntaxUID

    rewrite(folder / "IM0002", forget, implicit_vr=False, little_endian=True)
    assert "IM0002 has no TransferSyntaxUID" in refusal(folder)


def test_a_file_cut_anywhere_is_refused_by_its_name(folder):
    content = (folder / "IM0002").read_bytes()
    for length in range(0, len(content), 29):
        (folder / "IM0002").write_bytes(content[:length])
        assert "IM0002" in refusal(folder), length


@pytest.mark.parametrize("implicit", [True, False])
def test_files_without_preamble_are_slices_too(tmp_path, folder, implicit):
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in sorted(folder.glob("IM*")):
        values = pydicom.dcmread(path)
        del values.file_meta
        values.preamble = None
        values.save_as(bare / path.name, implicit_vr=implicit, little_endian=True)
    assert all(is_dicom(path) for path in bare.iterdir())
    assert np.array_equal(whole(DicomVolume(bare), np.int16), HU)


@pytest.mark.parametrize("content", [b"", bytes(400), b"<html>not found</html>"])
def test_a_file_that_is_named_as_dicom_and_is_none_has_a_problem(folder, content):
    (folder / "IM0009.dcm").write_bytes(content)
    (header,) = (header for header in read_headers(folder) if header.problem)
    assert "IM0009.dcm is no DICOM file, or cut short" in header.problem


def test_an_emptied_slice_has_a_problem_whatever_its_name(folder):
    for name in ("IM0003", "1.2.840.1"):
        (folder / name).write_bytes(b"")
    for name in ("notes.txt", ".complete"):
        (folder / name).write_bytes(b"")
    problems = [header.name for header in read_headers(folder) if header.problem]
    assert problems == ["1.2.840.1", "IM0003"]


def test_a_link_to_nowhere_has_a_problem(folder):
    (folder / "IM0009").symlink_to(folder / "gone")
    (header,) = (header for header in read_headers(folder) if header.problem)
    assert header.name == "IM0009"


def test_other_files_are_ignored_aloud(folder, caplog):
    (folder / "README").write_text("about these scans")
    (folder / "scan.nii.gz").write_bytes(b"\x1f\x8b")
    with caplog.at_level(logging.INFO):
        assert len(read_headers(folder)) == 5
    assert f"ignored what is no DICOM in {folder}: README, scan.nii.gz" in caplog.text


def test_a_second_copy_is_taken_once_and_said(tmp_path, write_series, caplog):
    write_series(tmp_path / "a", HU, AFFINE)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    volume = DicomVolume(tmp_path)
    assert {path.parent.name for path in volume.files} == {"a"}
    assert np.array_equal(whole(volume, np.int16), HU)
    assert "left out 5 DICOM files that are there twice: b/IM0000 (as a/IM0000)" in caplog.text


def test_slices_that_share_an_instance_uid_are_all_taken(folder):
    for path in folder.iterdir():
        rewrite(path, lambda values: setattr(values, "SOPInstanceUID", "1.2.3"))
    assert np.array_equal(whole(DicomVolume(folder), np.int16), HU)
