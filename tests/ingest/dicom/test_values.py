"""The laws of values: finite numbers of the right count, or one line with file and element."""

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest

from ingest.case import BadCaseError
from ingest.dicom.cases import find_dicom_cases
from ingest.dicom.values import numbers, reading

PATH = Path("in") / "slice.dcm"


def values(**elements):
    dataset = pydicom.Dataset()
    for name, value in elements.items():
        setattr(dataset, name, value)
    return dataset


def test_numbers_of_an_element_are_an_array_of_that_length():
    dataset = values(PixelSpacing=["0.7", "0.8"], Rows=512)
    assert numbers(dataset, "PixelSpacing", 2, PATH).tolist() == [0.7, 0.8]
    assert numbers(dataset, "PixelSpacing", -1, PATH).tolist() == [0.7, 0.8]
    assert numbers(dataset, "Rows", 1, PATH).tolist() == [512]


@pytest.mark.parametrize(
    ("count", "words"), [(1, "a finite number"), (3, "3 finite numbers"), (2, None)]
)
def test_another_count_is_refused_by_name(count, words):
    dataset = values(PixelSpacing=["0.7", "0.8"])
    if words is None:
        numbers(dataset, "PixelSpacing", count, PATH)
        return
    with pytest.raises(BadCaseError, match=rf"slice\.dcm: PixelSpacing must be {words}, found"):
        numbers(dataset, "PixelSpacing", count, PATH)


def test_numbers_that_are_not_finite_or_absent_are_refused():
    dataset = pydicom.Dataset()
    dataset.add_new("RescaleSlope", "DS", None)
    dataset.add_new("ExposureTimeInms", "FD", float("nan"))
    for keyword in ("ExposureTimeInms", "RescaleSlope", "Rows"):
        with pytest.raises(BadCaseError, match=keyword):
            numbers(dataset, keyword, 1, PATH)


def test_what_the_library_warns_of_in_each_file_is_not_repeated(tmp_path, write_series, caplog):
    def change(dataset, k):
        dataset.SeriesInstanceUID = "1.2." + "3" * 62

    with warnings.catch_warnings(action="ignore"):
        write_series(tmp_path, np.zeros((4, 4, 3)), np.eye(4), change=change)
    caplog.clear()
    (case,) = find_dicom_cases(tmp_path)
    assert case.problem == ""
    assert not caplog.records


def test_any_failure_of_reading_names_the_file_and_the_place_in_one_line():
    with (
        pytest.raises(BadCaseError, match=r"slice\.dcm is damaged \(Rows: two lines\): copy"),
        reading(PATH, "Rows"),
    ):
        raise RuntimeError("two\n  lines")
    with (
        pytest.raises(BadCaseError, match=r"is damaged \(KeyError\)"),
        reading(PATH),
    ):
        raise KeyError
    with pytest.raises(BadCaseError, match=r"^as it is$"), reading(PATH, "Rows"):
        raise BadCaseError("as it is")
