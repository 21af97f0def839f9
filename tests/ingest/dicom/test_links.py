"""The laws of links: a mask belongs to the series it names, or to the one its frame leaves."""

from pathlib import Path

import pydicom
import pytest

from ingest.dicom.files import Header
from ingest.dicom.links import home, is_mask, masks_by_series, patient_of
from ingest.dicom.regions import RTSTRUCT

CT = "1.2.840.10008.5.1.4.1.1.2"


def item(**values):
    dataset = pydicom.Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def slice_of(series, *, patient="P", frame="1.9", folder="in"):
    values = item(
        SOPClassUID=CT, SeriesInstanceUID=series, PatientID=patient, FrameOfReferenceUID=frame
    )
    path = Path(folder) / f"{series}.dcm"
    return Header(path=path, name=str(path), values=values)


def mask_on(*series, frame="1.9", patient="P", folder="in"):
    on = [item(SeriesInstanceUID=each) for each in series]
    study = item(RTReferencedSeriesSequence=on)
    values = item(SOPClassUID=RTSTRUCT, SeriesInstanceUID="1.1.1", PatientID=patient)
    values.ReferencedFrameOfReferenceSequence = [
        item(FrameOfReferenceUID=frame, RTReferencedStudySequence=[study])
    ]
    path = Path(folder) / "rt.dcm"
    return Header(path=path, name=str(path), values=values)


def linked(masks, slices):
    groups = {header.series: [header] for header in slices}
    found, lost = masks_by_series([*masks, *slices], groups)
    return {series: len(each) for series, each in found.items()}, [why for _, why in lost]


def test_a_mask_belongs_to_each_series_that_it_names():
    slices = [slice_of("1.2"), slice_of("1.3"), slice_of("1.4")]
    assert linked([mask_on("1.2", "1.4")], slices) == ({"1.2": 1, "1.4": 1}, [])


@pytest.mark.parametrize("named", [(), ("1.7",)])
def test_the_only_series_in_its_frame_takes_a_mask_and_of_two_that_of_its_patient(named):
    only = [slice_of("1.2"), slice_of("1.3", frame="1.8")]
    assert linked([mask_on(*named)], only) == ({"1.2": 1}, [])
    two = [slice_of("1.2"), slice_of("1.3", patient="Q")]
    assert linked([mask_on(*named)], two) == ({"1.2": 1}, [])


def test_a_mask_whose_frame_leaves_a_choice_or_nothing_is_lost_with_what_it_names():
    found, (why,) = linked([mask_on("1.7")], [slice_of("1.2"), slice_of("1.3")])
    assert found == {}
    assert "in/rt.dcm was drawn on series 1.7, which is not here" in why
    found, (why,) = linked([mask_on(frame="1.5")], [slice_of("1.2")])
    assert "was drawn on no known series" in why


def test_identifiers_that_hold_several_are_none_of_ours():
    strange = mask_on(["1.2", "1.3"], frame=["1.9", "1.8"])
    found, (why,) = linked([strange], [slice_of("1.2"), slice_of("1.3", frame=["1.9", "1.7"])])
    assert (found, "which is not here" in why) == ({}, True)
    assert not is_mask(Header(path=Path("x"), name="x", values=item(SOPClassUID=[RTSTRUCT, CT])))


def test_a_stray_is_at_home_by_its_series_its_folder_or_its_patient():
    groups = {
        "1.2": [slice_of("1.2", folder="a", patient="A")],
        "1.3": [slice_of("1.3", folder="b", patient="B")],
    }
    assert home(slice_of("1.3", folder="a"), groups) == "1.3"
    assert home(slice_of("1.7", folder="a"), groups) == "1.2"
    assert home(slice_of("1.7", folder="c", patient="B"), groups) == "1.3"
    assert home(slice_of("1.7", folder="c", patient="C"), groups) == ""
    assert home(slice_of("1.7", folder="c", patient=""), groups) == ""


def test_a_patient_is_the_first_that_a_slice_tells():
    assert patient_of([slice_of("1.2", patient=""), slice_of("1.2", patient="A")]) == "A"
    assert patient_of([slice_of("1.2", patient="")]) == ""
    assert [is_mask(each) for each in (mask_on(), slice_of("1.2"))] == [True, False]
